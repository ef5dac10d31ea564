/* Names: the reader's organisation and suffix in the commands of every page.

   They stay in this browser's local storage, or come in the address after #names?; nothing is sent anywhere, and what
   looks like a secret is refused. Pages are written with the names below. */
(function () {
  "use strict";

  var FIELDS = {
    organisation: { label: "Organisation", written: ["<organisation>"], valid: /^[A-Za-z0-9][A-Za-z0-9-]{0,48}[A-Za-z0-9]$/ },
    suffix: { label: "Suffix", written: ["ada42"], valid: /^[a-z0-9]{3,8}$/ }
  };
  var STORE = "mlops-workshop-names";
  var PREFIX = "#names?";

  function checked(names) {
    var kept = {};
    Object.keys(FIELDS).forEach(function (key) {
      var value = String(names[key] || "");
      if (FIELDS[key].valid.test(value)) {
        kept[key] = value;
      }
    });
    return kept;
  }

  function read() {
    if (location.hash.indexOf(PREFIX) === 0) {
      var given = {};
      new URLSearchParams(location.hash.slice(PREFIX.length)).forEach(function (value, key) {
        given[key] = value;
      });
      write(checked(given));
      history.replaceState(null, "", location.pathname + location.search);
    }
    try {
      return checked(JSON.parse(localStorage.getItem(STORE) || "{}"));
    } catch (error) {
      return {}; // no storage in this browser, or something else under that name
    }
  }

  function write(names) {
    try {
      localStorage.setItem(STORE, JSON.stringify(names));
    } catch (error) {
      window.alert("This browser keeps nothing for this page: the names last until you leave it.");
    }
  }

  /* Every text node of code keeps what was written, so that names can change again. */
  function personalise(names) {
    document.querySelectorAll("article code").forEach(function (code) {
      var walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        var node = walker.currentNode;
        node.written = node.written || node.nodeValue;
        node.nodeValue = Object.keys(FIELDS).reduce(function (text, key) {
          return names[key] ? FIELDS[key].written.reduce(function (now, old) {
            return now.split(old).join(names[key]);
          }, text) : text;
        }, node.written);
      }
    });
  }

  function dialog(names) {
    var box = document.createElement("dialog");
    box.className = "names";
    box.setAttribute("aria-labelledby", "names-title");
    var rows = Object.keys(FIELDS).map(function (key) {
      return '<label>' + FIELDS[key].label + ' <input name="' + key + '" autocomplete="off" spellcheck="false" ' +
        'pattern="' + FIELDS[key].valid.source.replace(/^\^|\$$/g, "") + '"></label>';
    }).join("");
    box.innerHTML = '<form method="dialog"><h2 id="names-title">Names in the commands</h2>' +
      "<p>They stay in this browser. Nothing secret belongs here.</p>" + rows +
      '<menu><button value="forget" formnovalidate>Forget</button><button value="copy">Copy a link</button>' +
      '<button value="keep">Keep</button></menu></form>';
    Object.keys(FIELDS).forEach(function (key) {
      box.querySelector('[name="' + key + '"]').value = names[key] || "";
    });
    box.addEventListener("close", function () {
      answer(box);
      box.remove();
    });
    document.body.appendChild(box);
    box.showModal();
  }

  function answer(box) {
    if (!box.returnValue) {
      return;
    }
    var given = {};
    if (box.returnValue !== "forget") {
      box.querySelectorAll("input").forEach(function (input) {
        given[input.name] = input.value.trim();
      });
    }
    var names = checked(given);
    write(names);
    personalise(names);
    if (box.returnValue === "copy" && navigator.clipboard) {
      navigator.clipboard.writeText(location.href.split("#")[0] + PREFIX + new URLSearchParams(names).toString());
    }
  }

  function button() {
    var header = document.querySelector(".md-header__inner");
    if (!header || header.querySelector(".names-button")) {
      return;
    }
    var made = document.createElement("button");
    made.type = "button";
    made.className = "names-button";
    made.textContent = "Names";
    made.addEventListener("click", function () {
      dialog(read());
    });
    header.appendChild(made);
  }

  function start() {
    button();
    personalise(read());
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
