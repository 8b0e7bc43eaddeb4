/** What the pages of the administration carry beside Django's own scripts: help beside the page, by F1 or its link. */
import "./dialogs";
import "./help";
import "./activity";
