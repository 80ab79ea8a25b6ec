/** Connects to the server, enables the controls, and verifies the features. */

import { keepKey, readKey } from "./api-key.js";
import { Controls } from "./controls.js";
import { find } from "./dom.js";
import { startEngine } from "./engine/engine.js";
import { asFault } from "./faults.js";
import { keepOffline } from "./offline/offline.js";
import { fillTexts, offerLanguage } from "./view/language.js";
import { offersFiles } from "./view/device.js";
import { askForKey } from "./view/key-form.js";
import { Notice } from "./view/notice.js";
import { RequestLog } from "./view/log/request-log.js";
import { Verification } from "./view/verification.js";

fillTexts();
offerLanguage();
const log = new RequestLog();
const engine = startEngine(log);
const notice = new Notice();
const verification = new Verification();

async function start(key = readKey()): Promise<void> {
  verification.connecting();
  try {
    const handshake = await engine.connect(new URL(".", location.href).href, key);
    keepKey(key);
    const controls = new Controls(engine, handshake, notice, () => log.forgetBaselines());
    await verify(offersFiles(handshake.networks));
    void controls.load().catch(() => undefined); // before it is needed, while the server is there
    if (offersFiles(handshake.networks)) keepOffline(handshake, log);
  } catch (error) {
    verification.unknown();
    const fault = asFault(error);
    if (fault.kind !== "key-needed") return void notice.show(fault, () => void start(key));
    keepKey(undefined);
    return start(await askForKey(key !== undefined));
  }
}

async function verify(locally: boolean): Promise<void> {
  verification.checking();
  try {
    verification.show(await engine.verify(locally));
  } catch (error) {
    verification.unknown();
    notice.show(asFault(error), () => void verify(locally));
  }
}

// The link to the log opens it.
document.querySelector('a[href="#log"]')?.addEventListener("click", () => {
  find("log-details", HTMLDetailsElement).open = true;
});

void start();
