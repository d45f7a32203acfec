"use strict";

/* From a folder the search page may not fetch() the snippets it would show below each title. */
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

document.addEventListener("DOMContentLoaded", () => {
  /* The theme hides the page's contents list beside a margin note, and fails where there is none. */
  if (!document.querySelector("div.bd-sidebar-secondary")) {
    const none = document.createElement("div");
    none.className = "bd-sidebar-secondary";
    none.style.display = "none";
    document.body.append(none);
  }

  /* A name for assistive technology must contain the words that are seen (WCAG 2.5.3). */
  const seen = ".search-button-field, .search-button__button, summary[aria-label]";
  for (const element of document.querySelectorAll(seen)) {
    if (element.innerText.trim()) element.removeAttribute("aria-label");
  }

  /* The arrow beside a page that has pages under it has no text (WCAG 4.1.2). */
  for (const arrow of document.querySelectorAll(".bd-sidebar-primary li > details > summary")) {
    const page = arrow.closest("li").querySelector("a");
    arrow.setAttribute("aria-label", `Pages under ${page.textContent.trim()}`);
  }

  /* What scrolls sideways must be reachable by keyboard (WCAG 2.1.1). */
  const boxes = "div.math, .pst-scrollable-table-container, .cell_output, pre";
  const reach = () => {
    for (const box of document.querySelectorAll(boxes)) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  };
  reach();
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true); /* a <details> was opened */
  window.MathJax?.startup?.promise?.then(reach);
});
