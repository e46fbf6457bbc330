// Watch an environment, and act in it.

import { $, History, number, showBars, showNumbers } from "/draw.js";

const SMALL = 300;

export class ControlPage {
  constructor(hello, say) {
    this.hello = hello;
    this.say = say;
    this.down = new Set();
    this.state = null;
    this.history = new History($("history"));
    this.leaving = new AbortController();
    this.listen();
    this.pad();
  }

  leave() {
    this.leaving.abort();
  }

  listen() {
    const on = { signal: this.leaving.signal };
    $("pause").onclick = () => this.say({ kind: this.state?.paused ? "play" : "pause" });
    $("step").onclick = () => this.say({ kind: "step" });
    $("human").onclick = () => this.say({ kind: "control", who: this.state?.human ? "agent" : "human" });
    $("human").hidden = !this.hello.keys;
    $("speed").onchange = () => this.say({ kind: "speed", factor: Number($("speed").value) });
    $("seeding").onsubmit = (event) => {
      event.preventDefault();
      this.say({ kind: "reset", seed: Number($("seed").value) });
      document.activeElement.blur();
    };
    addEventListener("keydown", (event) => this.key(event, true), on);
    addEventListener("keyup", (event) => this.key(event, false), on);
    addEventListener("blur", () => this.release(), on);
  }

  key(event, down) {
    if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (this.state?.human && key !== "escape") {
      if (key.startsWith("arrow") || key === " ") event.preventDefault();
      this.press(key, down);
    } else if (down && !event.repeat) {
      if (key === " ") {
        event.preventDefault();
        $("pause").click();
      } else if (key === ".") $("step").click();
      else if (key === "escape" && this.state?.human) $("human").click();
    }
  }

  press(key, down) {
    if (down === this.down.has(key)) return;
    if (down) this.down.add(key);
    else this.down.delete(key);
    for (const button of $("pad").children) button.classList.toggle("down", this.down.has(button.dataset.key));
    this.say({ kind: "keys", down: [...this.down].filter((name) => name.length <= 12).slice(0, 8) });
  }

  release() {
    for (const key of [...this.down]) this.press(key, false);
  }

  pad() {
    if (!this.hello.keys) return;
    $("pad").replaceChildren(...this.hello.keys.buttons.map(({ key, sign }) => {
      const button = document.createElement("button");
      button.textContent = sign;
      button.dataset.key = key;
      button.onpointerdown = (event) => {
        button.setPointerCapture(event.pointerId);
        this.press(key, true);
      };
      button.onpointerup = button.onpointercancel = () => this.press(key, false);
      button.oncontextmenu = (event) => event.preventDefault();
      return button;
    }));
  }

  async picture(blob) {
    const image = await createImageBitmap(blob);
    const canvas = $("picture");
    if (!canvas) return;
    if (canvas.width !== image.width || canvas.height !== image.height) {
      canvas.width = image.width;
      canvas.height = image.height;
      const small = Math.max(image.width, image.height) < SMALL;
      canvas.classList.toggle("pixels", small);
      canvas.style.width = small ? `min(100%, ${image.width * 3}px)` : "";
    }
    canvas.getContext("2d").drawImage(image, 0, 0);
    image.close();
    canvas.dataset.shown = Number(canvas.dataset.shown || 0) + 1;
  }

  show(state) {
    const before = this.state;
    this.state = state;
    if (before && (state.step < before.step || state.seed !== before.seed)) this.history.clear();
    if (!before || state.step !== before.step) this.history.add(state.action_info.value, state.return);
    $("pause").textContent = state.paused ? "Play" : "Pause";
    $("human").textContent = state.human ? "Give back" : "Take over";
    $("human").ariaPressed = String(state.human);
    $("pad").hidden = !state.human;
    $("end").hidden = !state.over;
    $("speed").value = String(state.speed);
    if (document.activeElement !== $("seed")) $("seed").value = state.seed;
    $("history-part").hidden = state.action_info.value === null && !this.history.returns.length;
    showNumbers([
      ["return", number(state.return, Number.isInteger(state.return) ? 0 : 2)],
      ["value", number(state.action_info.value)],
      ["step", state.step.toLocaleString("en")],
      ["reward", number(state.reward)],
      ["frames/s", state.paused ? "–" : number(state.rate, 0)],
      ["plays", state.human ? "you" : "agent"],
    ]);
    showBars(this.hello.actions, state.action_info, state.action);
  }
}
