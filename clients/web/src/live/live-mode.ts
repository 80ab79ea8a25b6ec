/** Live mode on the page: shows the latest predictions, and lets the user hear the last minute. */

import type { Features } from "speech-emotion-extractor";

import type { PredictedPassage } from "../analysis.js";
import { encodeWav } from "../audio/wav.js";
import { duration, type Sound } from "../clip.js";
import type { PredictionWithRequest } from "../engine/messages.js";
import { asFault } from "../faults.js";
import { KEPT, Live, type LiveListener, type Moment } from "./live.js";
import type { Predictor } from "../predictor.js";
import type { RecordingDisplay } from "../audio/recorder.js";
import { result as words, status } from "../strings/index.js";
import type { ResultViews } from "../view/result/result.js";

/** Of a prediction, beside that of the next one. */
const WEIGHT = 0.5;
/** Predictions with a part in the bars. */
const SMOOTHED = 4;

export interface LiveViews extends ResultViews {
  readonly meter: RecordingDisplay;
}

/** A moment without its sound; in seconds since the microphone was opened. */
interface Heard extends PredictedPassage {
  readonly features: Features | undefined;
}

/** What was heard, once it does not listen any more. */
interface Replay {
  readonly sound: Sound;
  /** Seconds since the microphone was opened. */
  readonly begin: number;
}

export class LiveMode {
  readonly #predictor: Predictor;
  readonly #views: LiveViews;
  readonly #live: Live;
  #history: readonly Heard[] = [];
  #replay: Replay | undefined;
  #isOn = false;
  /** Removes the error of the prediction before. */
  #endFault = (): void => undefined;

  constructor(predictor: Predictor, views: LiveViews, ended: LiveListener["ended"]) {
    this.#predictor = predictor;
    this.#views = views;
    this.#live = new Live(predictor, {
      ended,
      network: () => this.#network,
      heard: (elapsed, level) => views.meter.show(elapsed, level),
      predicted: (moment) => this.#add(moment),
      failed: (fault) => (this.#endFault = views.notice.show(fault)),
    });
  }

  get #network(): string {
    return this.#views.networks.chosen?.networkType ?? "";
  }

  /** Whether it listens. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Drops what it has heard. */
  leave(): void {
    this.#history = [];
    this.#replay = undefined;
  }

  /** @throws Fault of a "microphone-" kind */
  async start(): Promise<void> {
    await this.#live.start();
    this.#isOn = true;
    this.leave();
    this.#views.result.clear();
    this.#views.result.showProgress(status.liveQuiet);
  }

  /** Stops, and lets the user hear the last minute again. */
  async stop(): Promise<void> {
    this.#isOn = false;
    this.#views.result.hideProgress();
    this.#views.meter.hide();
    const history = this.#history;
    const { sound, end } = await this.#live.stop();
    if (history.length === 0) return;
    const original = await encodeWav(sound);
    if (this.#history !== history || this.#isOn) return; // another clip is shown
    this.#replay = { sound, begin: end - duration(sound) };
    this.#views.result.showHeard(sound, original);
    this.#show();
  }

  /** Predicts what was heard last with the chosen network; while it listens, that comes by itself. */
  async predictAgain(): Promise<void> {
    if (this.#isOn || this.#history.length === 0) return;
    const before = this.#history;
    const network = this.#network;
    try {
      const again: Heard[] = [];
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
      this.#views.notice.show(asFault(error), () => void this.predictAgain());
    }
  }

  #add({ sound, predicted, features, end }: Moment): void {
    const { result } = this.#views;
    this.#endFault();
    const heard = { start: end - duration(sound), end, predicted, features };
    this.#history = [...this.#history, heard].filter((each) => each.end > end - KEPT);
    result.showSound(sound);
    if (features) result.showFeatures(features, sound, this.#predictor.frameSeconds);
    this.#show();
    if (predicted) result.hideProgress();
    else result.showProgress(status.liveQuiet);
  }

  #show(): void {
    const { result, networks } = this.#views;
    const predicted = smoothed(this.#history);
    if (predicted) {
      const by = words.by(this.#network, this.#predictor.isLocal(this.#network));
      result.showPrediction(predicted, { source: words.live(by), network: networks.chosen });
    }
    if (this.#replay) return this.#showReplay(this.#replay);
    result.showWindows(this.#history, KEPT, Math.max(0, this.#history.at(-1)!.end - KEPT));
  }

  #showReplay({ sound, begin }: Replay): void {
    const kept = this.#history.filter(({ end }) => end > begin);
    const passages = kept.map((heard) => ({
      ...heard,
      start: Math.max(0, heard.start - begin),
      end: heard.end - begin,
    }));
    this.#views.result.showWindows(passages, duration(sound));
    const last = passages.filter(({ features }) => features).at(-1);
    if (last) this.#views.result.showWindow(last.features!, last);
  }
}

/** The latest prediction, with the mean of the last probabilities, in which later ones weigh more. */
function smoothed(history: readonly Heard[]): PredictionWithRequest | undefined {
  const predictions = history.flatMap(({ predicted }) => predicted ?? []);
  const latest = predictions.at(-1);
  if (latest === undefined) return undefined;
  const alike = predictions
    .slice(-SMOOTHED)
    .filter((each) => labels(each) === labels(latest)) // another network may have others
    .reverse();
  const weights = alike.map((_, age) => WEIGHT ** age);
  const sum = weights.reduce((all, each) => all + each, 0);
  const results = latest.results.map(({ emotionType }, index) => ({
    emotionType,
    prediction:
      alike.reduce((all, each, age) => all + weights[age]! * each.results[index]!.prediction, 0) /
      sum,
  }));
  return { ...latest, results };
}

function labels({ results }: PredictionWithRequest): string {
  return results.map(({ emotionType }) => emotionType).join();
}
