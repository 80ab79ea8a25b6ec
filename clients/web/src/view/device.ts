/** The switch between predictions on this device and by the server, and what the page promises. */

import type { Network } from "speech-emotion-extractor";

import { find } from "../dom.js";
import { device } from "../strings/index.js";

export class DeviceSwitch {
  readonly #panel = find("device", HTMLElement);
  readonly #switch = find("on-device", HTMLInputElement);
  readonly #hint = find("device-hint", HTMLElement);
  readonly #promise = find("promise", HTMLElement);
  readonly #networks: readonly Network[];

  /** @param changed is called when the user flips the switch */
  constructor(networks: readonly Network[], changed: () => void) {
    this.#networks = networks;
    this.#panel.hidden = !offersFiles(networks);
    this.#switch.checked = offersFiles(networks);
    this.#switch.addEventListener("change", () => {
      this.#say();
      changed();
    });
    this.#say();
  }

  /** Whether the network of that name predicts on this device. */
  isLocal(name: string): boolean {
    const network = this.#networks.find(({ networkType }) => networkType === name);
    return this.#switch.checked && network?.file !== undefined;
  }

  #say(): void {
    const { checked } = this.#switch;
    this.#hint.textContent = checked ? device.hintOn : device.hintOff;
    this.#promise.textContent = checked ? device.promiseOn : device.promiseOff;
  }
}

/** Whether the server offers the files of its networks. */
export function offersFiles(networks: readonly Network[]): boolean {
  return networks.some(({ file }) => file !== undefined);
}
