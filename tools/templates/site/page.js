// What makes a page handier. It can be read without any of this.

// What scrolls sideways must be reachable by keyboard; what fits needs no stop there.
function markScrolling() {
  for (const box of document.querySelectorAll("pre, .table, math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

// A formula has no place to break: where it is too wide its letters get smaller.
function fitFormulas() {
  for (const formula of document.querySelectorAll("math[display=block]")) {
    formula.style.fontSize = "";
    const part = formula.clientWidth / formula.scrollWidth;
    if (part < 1) formula.style.fontSize = `${Math.max(part, 0.6) * 100}%`;
  }
}

function makeButton(text, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", () => onClick(button));
  return button;
}

async function copyCode(button) {
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

function addCopyButtons() {
  if (!navigator.clipboard) return; // on a server without https
  for (const code of document.querySelectorAll(".highlight")) {
    const button = makeButton("Copy", copyCode);
    button.className = "copy";
    button.setAttribute("aria-live", "polite");
    code.append(button);
  }
}

function enlarge(picture) {
  const zoom = document.getElementById("zoom");
  const large = Object.assign(new Image(), {
    src: picture.currentSrc || picture.src,
    alt: picture.alt,
    className: picture.closest(".as-drawn") ? "as-drawn" : "",
  });
  zoom.querySelector("div").replaceChildren(large);
  zoom.showModal();
}

function addZoomButtons() {
  for (const picture of document.querySelectorAll("figure img, .still img")) {
    const button = makeButton("Enlarge", () => enlarge(picture));
    button.className = "enlarge";
    (picture.closest("picture") ?? picture).after(button);
    picture.addEventListener("click", () => enlarge(picture));
  }
  const zoom = document.getElementById("zoom");
  zoom.querySelector("button").addEventListener("click", () => zoom.close());
}

// The list of pages lies over the text on a phone: a link in it leads away from it.
function closeMenuAfterUse() {
  const menu = document.getElementById("pages");
  menu.addEventListener("click", (event) => {
    if (event.target.closest("a") && menu.matches(":popover-open")) menu.hidePopover();
  });
}

// On paper nothing can be unfolded.
function unfoldForPrint() {
  const folded = [...document.querySelectorAll("details:not([open])")];
  for (const details of folded) details.open = true;
  addEventListener("afterprint", () => folded.forEach((details) => (details.open = false)), { once: true });
}

function showCurrentPage() {
  const menu = document.getElementById("pages");
  menu.scrollTop = menu.querySelector("[aria-current]").offsetTop - menu.clientHeight / 4;
}

showCurrentPage();
addCopyButtons();
addZoomButtons();
closeMenuAfterUse();
fitFormulas();
markScrolling();
addEventListener("resize", fitFormulas);
addEventListener("resize", markScrolling);
addEventListener("beforeprint", unfoldForPrint);
// What was folded has no size until it is opened; `toggle` does not bubble.
addEventListener("toggle", () => (fitFormulas(), markScrolling()), true);
