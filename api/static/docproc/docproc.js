// What makes the pages better where there is JavaScript; each works without any of it.
"use strict";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const clock = new Intl.DateTimeFormat("sv-SE", {dateStyle: "short", timeStyle: "medium"});

function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.dateTime;
    time.textContent = clock.format(new Date(time.dateTime));
  }
  for (const name of root.querySelectorAll("[data-zone]")) name.textContent = zone || "your zone";
}

// A bar's title becomes a tip at once, where the pointer is.
const tip = Object.assign(document.createElement("div"), {className: "tip", hidden: true});

function showTip(event) {
  const bar = event.target.closest(".chart a");
  tip.hidden = !bar;
  if (!bar) return;
  const title = bar.querySelector("title");
  if (title) {
    bar.dataset.tip = title.textContent;
    title.remove();
  }
  tip.textContent = bar.dataset.tip;
  const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
  tip.style.translate = `${Math.max(8, left)}px ${event.clientY - tip.offsetHeight - 12}px`;
}

// A field under the pointer lights the line that it came from.
function lightLine(event) {
  for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
  const row = event.target.closest("[data-line]");
  if (row) document.getElementById(row.dataset.line)?.classList.add("lit");
}

function offerChoosingAll(root) {
  for (const all of root.querySelectorAll("[data-choose-all]")) all.hidden = false;
}

function chooseAll(event) {
  if (!event.target.matches("[data-choose-all]")) return;
  for (const box of event.target.form.querySelectorAll("[name=document]")) box.checked = event.target.checked;
}

// Upload: many files at once, each straight to S3.
function prepareUpload(drop) {
  const chooser = drop.querySelector("[type=file]");
  chooser.multiple = true;
  chooser.required = false;
  drop.querySelector("[data-send]").hidden = true;
  drop.querySelector("[data-drop-words]").textContent = "Drop files here, or choose some";
  chooser.addEventListener("change", () => {
    sendAll(drop, [...chooser.files]);
    chooser.value = "";
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") sendAll(drop, [...event.dataTransfer.files]);
    });
  }
}

async function sendAll(drop, files) {
  for (const file of files) {
    const note = document.createElement("p");
    note.textContent = `${file.name}: on its way to the bucket …`;
    document.getElementById("upload-notes").append(note);
    const fault = await send(drop, file);
    if (fault) {
      note.className = "notice error";
      note.textContent = `${file.name}: ${fault}`;
    } else {
      note.remove();
    }
    await htmx.ajax("GET", location.href, {target: "#fates", select: "#fates", swap: "outerMorph"});
  }
}

async function send(drop, file) {
  if (!file.size) return "It is empty.";
  if (file.size > Number(drop.dataset.maxBytes)) return "It is too large for an invoice.";
  const form = new FormData();
  for (const field of document.getElementById("script-form").content.querySelectorAll("input")) {
    form.append(field.name, field.value);
  }
  form.append("file", file, file.name);
  try {
    const answer = await fetch(drop.action, {method: "POST", body: form});
    if (answer.ok) return "";
    const said = new DOMParser().parseFromString(await answer.text(), "text/xml").querySelector("Message");
    return `The bucket refused it (${said?.textContent || answer.status}). Reload the page and try again.`;
  } catch {
    return "The bucket cannot be reached. Check your connection and try again.";
  }
}

// A file that was asked for before its answer was there comes when a page that waited has it.
function takeFile() {
  const link = document.querySelector("[data-file]");
  if (!link) return;
  link.download = "";  // this page stays, whatever the answer is
  link.click();
  link.removeAttribute("download");
}

// What a form was refused for, above what still is as it was.
function showFault({detail: {ctx}}) {
  if (!ctx.sourceElement.matches("form")) return;
  const page = new DOMParser().parseFromString(ctx.text, "text/html");
  const fault = document.getElementById("fault") || document.createElement("p");
  fault.id = "fault";
  fault.className = "notice error";
  fault.role = "alert";
  fault.textContent = page.querySelector("main p:not(.brand)")?.textContent || `docproc answered ${ctx.response.status}.`;
  ctx.sourceElement.before(fault);
}

function prepare(root) {
  localize(root);
  offerChoosingAll(root);
}

document.body.append(tip);
prepare(document);
for (const drop of document.querySelectorAll("#drop")) prepareUpload(drop);
document.addEventListener("htmx:after:swap", ({detail: {ctx}}) => {
  prepare(document);
  if (ctx.select === "#result") takeFile();
});
document.addEventListener("htmx:response:error", showFault);
document.addEventListener("pointermove", showTip, {passive: true});
document.addEventListener("pointerover", lightLine, {passive: true});
document.addEventListener("change", chooseAll);
