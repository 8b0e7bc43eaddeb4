import "../css/viewer.css";
