/** The pages of a share: the way in by the link's own secret, and what a phone needs. */
import "./entrance";
