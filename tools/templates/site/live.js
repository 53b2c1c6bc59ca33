// Widgets without a kernel: for each setting a picture that was computed beforehand.
// In the page: <div class="live-widget" data-source="ADDRESS" data-spec="..."> with the still
// picture in it. The script at ADDRESS puts the pictures, packed, into LIVE_PICTURES[ADDRESS]; for
// a phone it may have others, at data-narrow.
const FRAME = 80; // milliseconds between two pictures of a training
const phone = matchMedia("(max-width: 600px)");

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = make("script", { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

async function unpack(code) {
  const bytes = Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

async function loadPictures(address) {
  if (!globalThis.LIVE_PICTURES?.[address]) await loadScript(address);
  return unpack(globalThis.LIVE_PICTURES[address]);
}

// A figure that stands above shows what the widget would show at first: it is stored only once.
function pictureAbove(box) {
  const all = [...document.querySelectorAll("figure img")];
  return all.findLast((image) => image.compareDocumentPosition(box) & Node.DOCUMENT_POSITION_FOLLOWING);
}

// An image, or a <picture> with one for a phone beside it.
function frameOf(box, alt) {
  const own = box.querySelector("picture, img");
  if (own) return own;
  const above = pictureAbove(box);
  const copy = (above.closest("picture") ?? above).cloneNode(true);
  (copy.querySelector("img") ?? copy).alt = alt;
  return copy;
}

// Each control has: element, row, and `place`, which of its texts is chosen.
function makeControl(spec, onMove) {
  const element = make(spec.kind === "select" ? "select" : "input");
  const value = make("span", { className: "live-value", ariaHidden: "true" });
  if (spec.kind === "select") element.append(...spec.texts.map((text) => make("option", {}, text)));
  else element.type = spec.kind;
  if (spec.kind === "range") Object.assign(element, { min: 0, max: spec.texts.length - 1, step: 1 });
  const control = {
    spec,
    element,
    row: make("label", { className: "live-control" }, make("span", {}, spec.label), element, value),
    get place() {
      return spec.kind === "select" ? element.selectedIndex : Number(spec.kind === "checkbox" ? element.checked : element.value);
    },
    set place(place) {
      if (spec.kind === "select") element.selectedIndex = place;
      else if (spec.kind === "checkbox") element.checked = place === 1;
      else element.value = place;
      control.tell();
    },
    tell() {
      if (spec.kind !== "range") return;
      value.textContent = spec.texts[control.place];
      element.setAttribute("aria-valuetext", value.textContent);
    },
  };
  control.place = spec.start;
  element.addEventListener("input", () => onMove(control));
  return control;
}

function makeLive(box) {
  const spec = JSON.parse(box.dataset.spec);
  const frame = frameOf(box, spec.alt);
  const picture = frame.querySelector("img") ?? frame;
  const status = make("p", { className: "live-status" });
  status.setAttribute("role", "status");
  const error = make("p", { className: "live-error" });
  const controls = spec.controls.map((control) => makeControl(control, move));
  const pictures = {}; // promises by address, from the first touch on
  let timer = null;

  function load() {
    const address = (phone.matches && box.dataset.narrow) || box.dataset.source;
    pictures[address] ??= loadPictures(address).catch((reason) => {
      delete pictures[address]; // the next move tries again
      throw reason;
    });
    return pictures[address];
  }

  function put(lines) {
    frame.querySelector("source")?.remove(); // it would be shown instead
    picture.src = `data:image/svg+xml,${encodeURIComponent(lines.join("\n"))}`;
  }

  async function show() {
    const places = controls.map((control) => control.place).join();
    let found, title;
    try {
      const { lines, pictures: all, titles } = await load();
      const at = controls.map((control) => `${control.spec.label} ${control.spec.texts[control.place]}`);
      [found, title] = [all[places], titles[places] || at.join(", ")];
      if (typeof found !== "string") found = found.map((number) => lines[number]);
    } catch {
      found = "The pictures could not be loaded.";
    }
    if (places !== controls.map((control) => control.place).join()) return; // moved on meanwhile
    const failed = typeof found === "string";
    error.textContent = failed ? found : "";
    if (!failed) put(found);
    if (!timer) status.textContent = failed ? found : title; // read aloud, but not all the time
  }

  function move(moved) {
    stop();
    if (spec.sliced && moved.spec.kind === "range") {
      for (const other of controls) {
        if (other !== moved && other.spec.kind === "range") other.place = other.spec.start;
      }
    }
    moved.tell();
    return show();
  }

  function reset() {
    stop();
    for (const control of controls) control.place = control.spec.start;
    return show();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
  }

  // Only a training plays; its one control is the epoch.
  async function play() {
    const [epoch] = controls;
    const last = epoch.spec.texts.length - 1;
    stop();
    if (epoch.place === last) epoch.place = 0;
    await load().catch(() => {});
    timer = setInterval(() => {
      epoch.place += 1;
      if (epoch.place === last) stop();
      show();
    }, FRAME);
  }

  const button = (text, onclick) => make("button", { type: "button", textContent: text, onclick });
  const buttons = make("div", { className: "live-buttons" });
  if (spec.plays) buttons.append(button("Start", play), button("Stop", () => (stop(), show())));
  buttons.append(button("Reset", reset));
  const rows = controls.map((control) => control.row);
  const group = make("div", { className: "live-controls" }, ...rows, buttons, error);
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", `Widget: ${controls.map((c) => c.spec.label).join(", ")}`);
  for (const touch of ["pointerdown", "focusin"]) {
    group.addEventListener(touch, () => load().catch(() => {}));
  }
  const note = make("p", { className: "live-note" }, spec.note);
  box.replaceChildren(group, frame, note, status);
}

document.querySelectorAll(".live-widget").forEach(makeLive);
