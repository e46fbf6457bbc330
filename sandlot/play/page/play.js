// The connection: says hello, comes back when it breaks, and hands what arrives to the page for it.

import { $ } from "/draw.js";
import { BoardPage } from "/board.js";
import { ControlPage } from "/control.js";

const PAGES = { board: BoardPage, control: ControlPage };
const LONGEST_WAIT = 5000;
let page = null, socket = null, wait = 300, silence = 0;

export function say(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/play${location.search}`);
  socket.binaryType = "blob";
  socket.onmessage = ({ data }) => {
    if (data instanceof Blob) return page?.picture(data);
    const said = JSON.parse(data);
    if (said.hello) return greet(said);
    page?.show(said);
    showCommon(said);
  };
  socket.onclose = ({ reason }) => {
    $("link").dataset.on = "false";
    $("link").textContent = reason || "connection lost, trying again …";
    page?.lost?.();
    setTimeout(connect, wait);
    wait = Math.min(wait * 1.6, LONGEST_WAIT);
  };
}

function greet(hello) {
  wait = 300;
  $("link").dataset.on = "true";
  $("link").textContent = "live";
  $("agent").textContent = hello.agent.toUpperCase();
  $("env").textContent = hello.env;
  $("run").textContent = hello.run;
  document.title = `${hello.agent} · ${hello.env}`;
  page?.leave?.();
  $("stage").replaceChildren($(hello.hello).content.cloneNode(true));
  $("side").replaceChildren($("figures").content.cloneNode(true));
  const chooser = $("checkpoint");
  chooser.replaceChildren(...hello.checkpoints.map((step) => new Option(step.toLocaleString("en"), step)));
  chooser.closest("label").hidden = hello.checkpoints.length < 2;
  chooser.onchange = () => say({ kind: "checkpoint", step: Number(chooser.value) });
  $("stochastic").onchange = (event) => say({ kind: "chance", stochastic: event.target.checked });
  page = new PAGES[hello.hello](hello, say);
}

function showCommon(state) {
  if (document.activeElement !== $("checkpoint")) $("checkpoint").value = state.checkpoint;
  $("stochastic").checked = state.stochastic;
  $("viewers").textContent = state.viewers > 1 ? `${state.viewers} are looking on` : "";
  if (state.problem) {
    $("problem").textContent = state.problem;
    $("problem").hidden = false;
    clearTimeout(silence);
    silence = setTimeout(() => ($("problem").hidden = true), 3500);
  }
}

connect();
