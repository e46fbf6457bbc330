// Play on a board.

import { $, number, showBars, showNumbers } from "/draw.js";

const MARKS = {
  1: '<path d="M15 15 L85 85 M85 15 L15 85"/>',
  2: '<circle cx="50" cy="50" r="38"/>',
};

export class BoardPage {
  constructor(hello, say) {
    this.hello = hello;
    this.say = say;
    this.state = null;
    this.drawn = [];
    $("new").onclick = () => say({ kind: "new" });
    $("undo").onclick = () => say({ kind: "undo" });
    $("hints").onchange = () => this.state && this.show(this.state);
    for (const button of document.querySelectorAll("[data-seat]"))
      button.onclick = () => say({ kind: "side", seat: Number(button.dataset.seat) });
    $("history-part").hidden = true;
    this.lay();
  }

  picture() {}

  lay() {
    const { rows, columns, falls } = this.hello;
    const board = $("cells");
    board.className = falls ? "falls" : "flat";
    board.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    board.replaceChildren(...Array.from({ length: rows * columns }, (_, cell) => {
      const button = document.createElement("button");
      button.className = "cell";
      button.classList.toggle("last-column", cell % columns === columns - 1);
      button.classList.toggle("last-row", cell >= (rows - 1) * columns);
      button.dataset.cell = cell;
      button.ariaLabel = falls ? `column ${(cell % columns) + 1}` : `cell ${cell + 1}`;
      button.tabIndex = !falls || cell < columns ? 0 : -1;
      button.onclick = () => this.move(falls ? cell % columns : cell);
      if (falls) {
        button.onpointerenter = () => this.hover(cell % columns, true);
        button.onpointerleave = () => this.hover(cell % columns, false);
      }
      return button;
    }));
  }

  move(action) {
    if (this.mine() && this.state.legal.includes(action)) this.say({ kind: "move", action });
  }

  mine() {
    return this.state && this.state.turn === this.state.seat;
  }

  hover(column, on) {
    const lit = on && this.mine() && this.state.legal.includes(column);
    for (let cell = column; cell < this.drawn.length; cell += this.hello.columns)
      $("cells").children[cell].classList.toggle("column-hover", lit && !this.state.cells[cell]);
  }

  show(state) {
    this.state = state;
    const hints = this.mine() && $("hints").checked ? state.action_info.probability || values(state.action_info) : null;
    state.cells.forEach((owner, cell) => this.cell(cell, owner, state, hints));
    for (const button of document.querySelectorAll("[data-seat]"))
      button.ariaPressed = String(Number(button.dataset.seat) === state.seat);
    $("undo").disabled = !state.moves.some((_, index) => index % 2 === state.seat);
    $("verdict").textContent = verdict(state);
    const { won, drawn, lost } = state.tally;
    const sign = state.considers === state.seat ? -1 : 1;
    showNumbers([
      ["you won", won], ["drawn", drawn], ["lost", lost],
      ["it expects", number(state.action_info.value === null ? null : sign * state.action_info.value)],
      ["move", state.moves.length + (state.over ? 0 : 1)],
      ["you are", this.hello.falls ? (state.seat ? "yellow" : "red") : state.seat ? "○" : "×"],
    ]);
    if (!state.over) {
      const names = Array.from({ length: this.actions() }, (_, action) => this.name(action));
      showBars(names, state.action_info, this.mine() ? null : undefined);
      $("bars-title").textContent = this.mine() ? "What the agent would do in your place" : "What the agent considers";
    }
  }

  actions() {
    return this.hello.falls ? this.hello.columns : this.hello.rows * this.hello.columns;
  }

  name(action) {
    if (this.hello.falls) return `column ${action + 1}`;
    const { columns } = this.hello;
    return `row ${Math.floor(action / columns) + 1}, column ${(action % columns) + 1}`;
  }

  cell(cell, owner, state, hints) {
    const { columns, falls } = this.hello;
    const button = $("cells").children[cell];
    const action = falls ? cell % columns : cell;
    const open = this.mine() && state.legal.includes(action);
    button.classList.toggle("legal", open);
    button.classList.toggle("won", state.line.includes(cell));
    if (this.drawn[cell] !== owner) {
      button.querySelector(".piece")?.remove();
      if (owner) button.append(this.piece(owner, cell));
      this.drawn[cell] = owner;
    }
    const shown = open && hints && (falls ? !owner && lowest(state.cells, cell, columns) : !owner);
    let hint = button.querySelector(".hint");
    if (!shown) return hint?.remove();
    if (!hint) {
      hint = document.createElement("span");
      button.append(hint);
    }
    hint.className = hints[action] === Math.max(...hints) ? "hint best" : "hint";
    hint.textContent = state.action_info.probability ? `${Math.round(100 * hints[action])} %` : number(hints[action]);
  }

  piece(owner, cell) {
    if (this.hello.falls) {
      const disc = document.createElement("span");
      disc.className = owner === 2 ? "piece two fresh" : "piece fresh";
      disc.style.setProperty("--drop", `${120 * (Math.floor(cell / this.hello.columns) + 1)}%`);
      return disc;
    }
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    mark.setAttribute("viewBox", "0 0 100 100");
    mark.setAttribute("class", owner === 2 ? "piece two fresh" : "piece fresh");
    mark.innerHTML = MARKS[owner];
    return mark;
  }
}

// Where a piece would come to rest: the cell below is taken, or there is none.
function lowest(cells, cell, columns) {
  return cell + columns >= cells.length || cells[cell + columns] > 0;
}

function values(info) {
  return info.action_value && info.action_value.map((value) => (value === null ? -Infinity : value));
}

function verdict(state) {
  if (state.over) {
    if (state.winner === null) return "A draw.";
    return state.winner === state.seat ? "You win!" : "The agent wins.";
  }
  return state.turn === state.seat ? "Your move" : "The agent thinks …";
}
