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
