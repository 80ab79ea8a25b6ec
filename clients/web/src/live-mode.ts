/** Live mode on the page: shows the latest prediction and those of the last 30 seconds. */

import type { PredictedPassage } from "./analysis.js";
import { duration } from "./clip.js";
import { asFault } from "./faults.js";
import { Live, type LiveListener, type Moment } from "./live.js";
import type { Predictor } from "./predictor.js";
import { result as words, status } from "./strings/index.js";
import type { NetworkChoice } from "./view/networks.js";
import type { Notice } from "./view/notice.js";
import type { Result } from "./view/result.js";

const HISTORY = 30; // seconds

export class LiveMode {
  readonly #predictor: Predictor;
  readonly #result: Result;
  readonly #notice: Notice;
  readonly #networks: NetworkChoice;
  readonly #live: Live;
  #history: Moment[] = [];
  #isOn = false;

  constructor(
    predictor: Predictor,
    result: Result,
    notice: Notice,
    networks: NetworkChoice,
    ended: LiveListener["ended"],
  ) {
    this.#predictor = predictor;
    this.#result = result;
    this.#notice = notice;
    this.#networks = networks;
    this.#live = new Live(predictor, {
      ended,
      network: () => this.#network,
      predicted: (moment) => this.#add(moment),
      failed: (fault) => notice.show(fault),
    });
  }

  get #network(): string {
    return this.#networks.chosen?.networkType ?? "";
  }

  /** Whether it listens. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Drops what it has heard. */
  leave(): void {
    this.#history = [];
  }

  /** @throws Fault of a "microphone-" kind */
  async start(): Promise<void> {
    await this.#live.start();
    this.#isOn = true;
    this.leave();
    this.#result.clear();
    this.#result.showProgress(status.liveQuiet);
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    this.#result.hideProgress();
    await this.#live.stop();
  }

  /** Predicts what was heard last with the chosen network; while it listens, that comes by itself. */
  async predictAgain(): Promise<void> {
    if (this.#isOn || this.#history.length === 0) return;
    const before = this.#history;
    const network = this.#network;
    try {
      const again: Moment[] = [];
      for (const moment of before) {
        const { features } = moment;
        const predicted = features ? await this.#predictor.predict(network, features) : null;
        again.push({ ...moment, predicted });
      }
      // Meanwhile the user may have chosen a third network, or another clip.
      if (this.#history !== before || this.#network !== network) return;
      this.#history = again;
      this.#show();
    } catch (error) {
      this.#notice.show(asFault(error), () => void this.predictAgain());
    }
  }

  #add(moment: Moment): void {
    this.#notice.clear();
    this.#history = [...this.#history, moment].filter(({ end }) => end > moment.end - HISTORY);
    this.#show();
    if (moment.predicted) this.#result.hideProgress();
    else this.#result.showProgress(status.liveQuiet);
  }

  #show(): void {
    const { sound, features, end } = this.#history.at(-1)!;
    this.#result.showSound(sound);
    if (features) this.#result.showFeatures(features, sound, this.#predictor.frameSeconds);
    const predicted = [...this.#history].reverse().find((moment) => moment.predicted)?.predicted;
    const network = this.#networks.chosen;
    if (predicted) {
      const by = words.by(this.#network, this.#predictor.isLocal(this.#network));
      this.#result.showPrediction(predicted, { source: words.live(by), network });
    }
    const passages = this.#history.map(passageOf);
    this.#result.showWindows(passages, HISTORY, Math.max(0, end - HISTORY));
  }
}

function passageOf({ sound, predicted, end }: Moment): PredictedPassage {
  return { start: end - duration(sound), end, predicted };
}
