const PEN = 22; // a stroke of MNIST is two to three of 28 pixels wide, and the board has 280
const STEP = 10; // pixels that an arrow key moves the pen
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function encode(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

function prepare(canvas, clear) {
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const side = canvas.width;
  ink.lineWidth = PEN;
  ink.lineCap = ink.lineJoin = "round";
  ink.strokeStyle = "#000000";
  let pen = { x: side / 2, y: side / 2 };
  let down = false;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const border = canvas.clientLeft;
    const zoom = side / (box.width - 2 * border);
    return { x: (event.clientX - box.left - border) * zoom, y: (event.clientY - box.top - border) * zoom };
  };
  const moveTo = (next) => {
    if (down) {
      ink.beginPath();
      ink.moveTo(pen.x, pen.y);
      ink.lineTo(next.x, next.y);
      ink.stroke();
    }
    pen = next;
  };
  const tell = () => {
    const pixels = ink.getImageData(0, 0, side, side).data;
    canvas.tell("drawing", encode(Uint8Array.from({ length: side * side }, (_, i) => pixels[4 * i + 3])));
  };
  const lift = () => {
    if (down) {
      down = false;
      tell();
    }
  };
  const wipe = () => {
    down = false;
    ink.clearRect(0, 0, side, side);
    canvas.tell("drawing", "");
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen = place(event);
    down = true;
    moveTo({ x: pen.x, y: pen.y + 0.1 }); // a dot
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons || event.pointerType === "touch") moveTo(place(event));
  });
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (move) {
      const within = (value) => Math.min(side, Math.max(0, value));
      moveTo({ x: within(pen.x + STEP * move[0]), y: within(pen.y + STEP * move[1]) });
    } else if (event.key === " ") {
      if (down) {
        lift();
      } else {
        down = true;
        moveTo(pen);
      }
    } else if (event.key === "Delete" || event.key === "Backspace") {
      wipe();
    } else {
      return;
    }
    event.preventDefault();
  });
  canvas.addEventListener("blur", lift);
  clear.addEventListener("click", wipe);
}

export default function ({ data, parentElement, setStateValue }) {
  const canvas = parentElement.querySelector("canvas");
  const clear = parentElement.querySelector("button");
  parentElement.querySelector(".board").lang = data.language;
  canvas.setAttribute("aria-label", data.board);
  clear.textContent = data.clear;
  parentElement.querySelector("p").textContent = data.board_help;
  canvas.tell = setStateValue;
  if (!canvas.ready) {
    canvas.ready = true;
    prepare(canvas, clear);
  }
}
