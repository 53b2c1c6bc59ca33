// A slide that is taller than the screen scrolls by the arrow keys before they go on.
const STEP = 120;

function scrollBefore(event) {
  const slide = Reveal.getCurrentSlide();
  const below = slide.scrollHeight - slide.clientHeight - slide.scrollTop;
  if (["ArrowDown", "PageDown", " "].includes(event.key) && below > 1) {
    slide.scrollBy(0, STEP);
    return true;
  }
  if (["ArrowUp", "PageUp"].includes(event.key) && slide.scrollTop > 0) {
    slide.scrollBy(0, -STEP);
    return true;
  }
  return false;
}

// What scrolls must also be reachable by the Tab key.
function markScrolling() {
  for (const box of Reveal.getCurrentSlide().querySelectorAll("pre, .table, math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
  const slide = Reveal.getCurrentSlide();
  if (slide.scrollHeight > slide.clientHeight) slide.tabIndex = 0;
}

// reveal.js only makes the slides beside this one invisible: keep the Tab key out of their links.
function closeOthers() {
  for (const slide of document.querySelectorAll(".slides section")) {
    slide.inert = !Reveal.isOverview() && !slide.classList.contains("present");
  }
}

for (const event of ["ready", "slidechanged", "overviewshown", "overviewhidden"]) {
  Reveal.on(event, markScrolling);
  Reveal.on(event, closeOthers);
}
Reveal.initialize({
  width: 1600,
  height: 900,
  margin: 0.02,
  center: false,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  backgroundTransition: "none",
  keyboardCondition: (event) => !scrollBefore(event),
});
