/** What every page carries: htmx under the strict policy, the keys, menus. */
import iconsAddress from "../icons/icons.svg?url";
import faviconAddress from "../icons/favicon.svg?url";
import "./passkeys";
import "./session";
import "./proving";
import "./activity";
import "./fragments";
import "./keys";
import "./rows";
import "./live";
import "./columns";
import "./desk";
import "./answers";
import "./beside";
import "./blacken";
import "./dialogs";
import "./downloads";
import "./emergency";
import "./help";
import "./mentions";
import "./notices";
import "./palette";
import "./preview";
import "./record";
import "./requests";
import "./places";
import "./vetting";
import "./exams";
import "./schedule";

// Both files are reached from templates through the manifest; naming them here puts them into it.
document.documentElement.dataset["icons"] = iconsAddress;
document.documentElement.dataset["favicon"] = faviconAddress;
