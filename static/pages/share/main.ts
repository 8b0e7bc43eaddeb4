/** The pages of a share: the way in by the link's own secret, what a phone needs, and dialogs. */
import "../dialogs";
import "./entrance";
import "./health-link";
import "./standing";
