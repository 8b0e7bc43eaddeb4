/** The study page and its headers: pictures drawn on demand, a stack moved by wheel and keys, and a study that goes away. */
import "./headers";
import "./pictures";
import "./stack";
import "./withdrawn";
