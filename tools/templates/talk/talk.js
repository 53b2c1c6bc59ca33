// reveal.js only makes the slides beside this one invisible: keep the Tab key out of their links.
function closeOthers() {
  for (const slide of document.querySelectorAll(".slides > section")) {
    slide.inert = !Reveal.isOverview() && !slide.classList.contains("present");
  }
}

for (const event of ["ready", "slidechanged", "overviewshown", "overviewhidden"]) {
  Reveal.on(event, closeOthers);
}
addEventListener("load", () => {
  Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    display: "flex",
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    backgroundTransition: "none",
    plugins: [RevealNotes],
  });
});

// A control that has the focus keeps its keys: arrows, letters, Space on a button. PageDown and
// PageUp, the keys of a remote control, still lead through the talk, as does Space on a slider.
// Escape lets go of the control.
function keepKeys(event) {
  const { target, key } = event;
  const steps = { PageDown: Reveal.next, PageUp: Reveal.prev, Escape: () => {} };
  if (target.type === "range") steps[" "] = Reveal.next;
  if (key in steps) {
    event.preventDefault();
    target.blur();
    steps[key]();
  }
  if (key in steps || key === " " || !target.matches("button")) event.stopPropagation();
}

for (const widget of document.querySelectorAll(".live-widget")) {
  widget.addEventListener("keydown", keepKeys);
}
