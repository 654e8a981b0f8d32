// Before anything is painted: the theme that was chosen on this machine, if one was; else the system's.
"use strict";
const chosen = localStorage.getItem("theme");
if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
document.documentElement.classList.add("scripted");
if (localStorage.getItem("wall") === "yes") document.documentElement.setAttribute("data-wall", "");
