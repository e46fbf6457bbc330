// Small things that both kinds of page draw.

export const $ = (id) => document.getElementById(id);

export function number(value, digits = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? Math.min(1, digits) : digits).replace("-", "−");
}

export function showNumbers(named) {
  const list = $("numbers");
  if (list.children.length !== named.length) {
    list.replaceChildren(...named.map(() => {
      const box = document.createElement("div");
      box.append(document.createElement("dt"), document.createElement("dd"));
      return box;
    }));
  }
  named.forEach(([name, value], index) => {
    const [term, figure] = list.children[index].children;
    if (term.textContent !== name) term.textContent = name;
    figure.textContent = value;
  });
}

// A row for each action: how likely it is, what it is worth, or how large its number is.
export function showBars(names, info, taken) {
  const rows = readInfo(names, info, taken);
  const box = $("bars");
  if (box.children.length !== names.length) {
    box.replaceChildren(...names.map(() => {
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.append(document.createElement("span"), document.createElement("span"));
      return bar;
    }));
  }
  $("bars-title").textContent = rows.title;
  names.forEach((name, index) => {
    const bar = box.children[index];
    bar.children[0].textContent = name;
    bar.children[1].textContent = rows.texts[index];
    bar.style.setProperty("--share", `${Math.max(0, Math.min(100, 100 * rows.shares[index]))}%`);
    bar.classList.toggle("taken", Boolean(rows.taken[index]));
    bar.classList.toggle("none", rows.texts[index] === "–");
  });
}

function readInfo(names, info, taken) {
  const chosen = names.map((_, index) => !Array.isArray(taken) && index === taken);
  if (info.probability) {
    return {
      title: "Probability of each action", taken: chosen, shares: info.probability,
      texts: info.probability.map((share) => (share === 0 ? "–" : `${(100 * share).toFixed(share < 0.01 ? 1 : 0)} %`)),
    };
  }
  if (info.action_value) {
    const known = info.action_value.filter((value) => value !== null);
    const best = Math.max(...known), worst = Math.min(...known), spread = Math.max(best - worst, 1e-6);
    return {
      title: "Value of each action", taken: chosen,
      shares: info.action_value.map((value) => (value === null ? 0 : 0.12 + (0.88 * (value - worst)) / spread)),
      texts: info.action_value.map((value) => (value === null ? "–" : number(value, 3))),
    };
  }
  if (info.mean) {
    const most = Math.max(1, ...info.mean.map(Math.abs));
    return {
      title: info.std ? "Action, mean ± spread" : "Action", taken: names.map(() => true),
      shares: info.mean.map((value) => 0.5 + value / (2 * most)),
      texts: info.mean.map((value, index) =>
        info.std ? `${number(value)} ± ${number(info.std[index])}` : number(value)),
    };
  }
  return { title: "Actions", taken: chosen, shares: names.map((_, i) => (chosen[i] ? 1 : 0)), texts: names.map(() => "") };
}

// Two lines over the last moments: the value the agent expects, and the return so far, each on a scale of its own.
export class History {
  constructor(canvas, length = 240) {
    this.canvas = canvas;
    this.length = length;
    this.clear();
  }

  clear() {
    this.values = [];
    this.returns = [];
    this.draw();
  }

  add(value, total) {
    this.values.push(value);
    this.returns.push(total);
    if (this.values.length > this.length) {
      this.values.shift();
      this.returns.shift();
    }
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.line(pen, this.returns, colourOf("i"), width, height);
    this.line(pen, this.values, colourOf("b"), width, height);
  }

  line(pen, numbers, colour, width, height) {
    const known = numbers.filter((value) => value !== null && value !== undefined);
    if (known.length < 2) return;
    const low = Math.min(...known), span = Math.max(Math.max(...known) - low, 1e-9);
    pen.strokeStyle = colour;
    pen.lineWidth = 1.8;
    pen.lineJoin = "round";
    pen.beginPath();
    numbers.forEach((value, index) => {
      if (value === null || value === undefined) return;
      const x = (index / (this.length - 1)) * width, y = height - 4 - ((value - low) / span) * (height - 8);
      if (index) pen.lineTo(x, y);
      else pen.moveTo(x, y);
    });
    pen.stroke();
  }
}

// The lines are coloured as the words above them; a canvas itself knows no light-dark().
function colourOf(word) {
  return getComputedStyle(document.querySelector(`#history-part ${word}`)).color;
}
