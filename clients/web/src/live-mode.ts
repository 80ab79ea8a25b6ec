/** Live mode on the page: each second's prediction, and the last half minute of them. */

import type { HeardPassage } from "./analysis.js";
import { duration } from "./clip.js";
import type { Engine } from "./engine/messages.js";
import { Live, type LiveListener, type Moment } from "./live.js";
import { result as words, status } from "./strings.js";
import { winnerOf } from "./view/bars.js";
import type { Notice } from "./view/notice.js";
import type { Result } from "./view/result.js";

const HISTORY = 30; // seconds

type Surroundings = Pick<LiveListener, "network" | "ended">;

export class LiveMode {
  readonly #result: Result;
  readonly #notice: Notice;
  readonly #network: () => string;
  readonly #live: Live;
  #history: HeardPassage[] = [];

  constructor(
    engine: Engine,
    sampleRate: number,
    result: Result,
    notice: Notice,
    surroundings: Surroundings,
  ) {
    this.#result = result;
    this.#notice = notice;
    this.#network = surroundings.network;
    this.#live = new Live(engine, sampleRate, {
      ...surroundings,
      heard: (moment) => this.#show(moment),
      failed: (fault) => notice.show(fault),
    });
  }

  /** @throws Fault of a "microphone-" kind */
  async start(): Promise<void> {
    this.#history = [];
    await this.#live.start();
    this.#result.showProgress(status.liveQuiet);
  }

  async stop(): Promise<void> {
    this.#result.hideProgress();
    await this.#live.stop();
  }

  #show({ sound, heard, features, end }: Moment): void {
    this.#notice.clear();
    this.#result.showSound(sound);
    if (features) this.#result.showFeatures(features);
    if (heard) {
      const inWords = words.liveInWords(winnerOf(heard).emotionType);
      this.#result.showPrediction(heard, words.live(this.#network()), inWords);
      this.#result.hideProgress();
    } else {
      this.#result.showProgress(status.liveQuiet);
    }
    this.#remember({ start: end - duration(sound), end, heard });
  }

  #remember(passage: HeardPassage): void {
    this.#history = [...this.#history, passage].filter(({ end }) => end > passage.end - HISTORY);
    const begin = Math.max(0, passage.end - HISTORY);
    this.#result.showWindows(this.#history, HISTORY, begin);
  }
}
