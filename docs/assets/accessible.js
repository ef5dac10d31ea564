/* What the theme leaves without a name gets one, so that a screen reader can say it. */
(function () {
  "use strict";

  function name(selector, value) {
    document.querySelectorAll(selector).forEach(function (element) {
      var text = value(element);
      if (text && !element.getAttribute("aria-label")) {
        element.setAttribute("aria-label", text);
      }
    });
  }

  /* A cell in the corner of a table heads nothing. */
  function corners() {
    document.querySelectorAll("article th").forEach(function (head) {
      if (!head.textContent.trim()) {
        var cell = document.createElement("td");
        cell.className = "corner";
        head.replaceWith(cell);
      }
    });
  }

  /* The theme puts a landmark around each copy button, all of one name: as no landmark it still holds its button. */
  function quietButtons() {
    document.querySelectorAll("nav.md-code__nav:not([role])").forEach(function (nav) {
      nav.setAttribute("role", "none");
    });
  }

  function start() {
    name(".md-search[role=dialog]", function () {
      return "Search";
    });
    name("article .task-list-item input", function (box) {
      return box.closest("li").textContent.trim();
    });
    document.querySelectorAll("nav.md-nav[aria-labelledby]").forEach(function (nav, index) {
      var title = document.getElementById(nav.getAttribute("aria-labelledby"));
      nav.removeAttribute("aria-labelledby"); // two levels of one section share its label
      nav.setAttribute("aria-label", (title ? title.textContent.trim() : "Section") + ", level " + nav.dataset.mdLevel + ", list " + (index + 1));
    });
    corners();
    quietButtons();
    new MutationObserver(quietButtons).observe(document.body, { childList: true, subtree: true });
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
