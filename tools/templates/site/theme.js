// Light or dark: as the system says, until the reader's switch says otherwise. That is remembered.
const darkStyle = document.getElementById("dark");
const asSystemSays = darkStyle.media;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
let choice = readChoice(); // "dark", "light", or null

function readChoice() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // a browser may keep nothing for files
  }
}

function keepChoice() {
  try {
    if (choice) localStorage.setItem("theme", choice);
    else localStorage.removeItem("theme");
  } catch {
    // Then the choice holds for this page.
  }
}

function isDark() {
  return choice ? choice === "dark" : systemIsDark.matches;
}

// Paper stays white: the dark style is for screens.
function applyChoice() {
  darkStyle.media = { dark: "screen", light: "not all" }[choice] ?? asSystemSays;
  document.getElementById("switch-theme")?.setAttribute("aria-pressed", isDark());
}

function switchTheme() {
  const wantsDark = !isDark();
  choice = wantsDark === systemIsDark.matches ? null : wantsDark ? "dark" : "light";
  keepChoice();
  applyChoice();
}

applyChoice(); // at once, or a page would flash
systemIsDark.addEventListener("change", applyChoice);
addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("switch-theme");
  button.addEventListener("click", switchTheme);
  button.hidden = false;
  applyChoice();
});
