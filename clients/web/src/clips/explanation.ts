/** Explains the result that is shown: on this device at once, by the server only when asked. */

import { duration, speechStart } from "../clip.js";
import { asFault } from "../faults.js";
import type { Predictor } from "../predictor.js";
import { emotionName } from "../strings/index.js";
import type { InfluenceStrip } from "../view/charts/influence.js";
import type { Notice } from "../view/notice.js";
import { winnerOf } from "../view/result/verdict.js";
import type { Loaded, Outcome } from "./entry.js";
import { countOf, influences } from "./occlusion.js";

export class Explanation {
  readonly #predictor: Predictor;
  readonly #strip: InfluenceStrip;
  readonly #notice: Notice;
  #running = new AbortController();

  constructor(predictor: Predictor, strip: InfluenceStrip, notice: Notice) {
    this.#predictor = predictor;
    this.#strip = strip;
    this.#notice = notice;
  }

  /** Ends the estimate, and shows none. */
  stop(): void {
    this.#running.abort();
    this.#strip.clear();
  }

  /** Explains a clip that was predicted as a whole, unless the network warns: then it has no answer. */
  async start(loaded: Loaded, outcome: Outcome): Promise<void> {
    const { whole } = loaded.analysis;
    this.stop();
    this.#running = new AbortController();
    const { signal } = this.#running;
    if (!whole || outcome.overall.warning) return;
    const { frameCount } = await loaded.analysis.features(whole);
    if (signal.aborted) return;
    const count = countOf(frameCount, this.#predictor.frameSeconds);
    if (count === 0) return;
    const explain = (): Promise<void> => this.#explain(loaded, outcome, signal);
    if (this.#predictor.isLocal(outcome.network)) return explain();
    this.#strip.offer(count, () => void explain());
  }

  async #explain({ clip, analysis }: Loaded, outcome: Outcome, signal: AbortSignal): Promise<void> {
    this.#strip.wait();
    const { emotionType, prediction } = winnerOf(outcome.overall);
    try {
      const found = await influences(
        await analysis.features(analysis.whole!),
        this.#predictor.frameSeconds,
        speechStart(clip.sound),
        prediction,
        async (features) => {
          if (signal.aborted) return undefined;
          const { results } = await this.#predictor.predict(outcome.network, features);
          return results.find((each) => each.emotionType === emotionType)?.prediction;
        },
      );
      if (signal.aborted || !found) return;
      this.#strip.show(found, emotionName(emotionType), prediction, duration(clip.sound));
    } catch (error) {
      if (signal.aborted) return;
      this.#strip.clear();
      this.#notice.show(asFault(error), undefined, clip.name);
    }
  }
}
