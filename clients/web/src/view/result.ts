/** Shows the result of a recording: verdict, timeline, waveform, features, request. */

import type { Features } from "speech-emotion-extractor";

import type { PredictedPassage, Passage } from "../analysis.js";
import { duration, type Clip, type Sound } from "../clip.js";
import { find } from "../dom.js";
import type { PredictionWithRequest } from "../engine/messages.js";
import { views } from "../strings.js";
import { Verdict } from "./bars.js";
import { drawHeatmap } from "./charts/heatmap.js";
import { Timeline } from "./charts/timeline.js";
import { drawWaveform } from "./charts/waveform.js";
import { Playback } from "./playback.js";
import { Repeat } from "./repeat.js";

export class Result {
  readonly #verdict = new Verdict();
  readonly #timeline = new Timeline();
  readonly #playback: Playback;
  readonly #repeat = new Repeat();
  readonly #views = find("views", HTMLElement);
  readonly #waveform = find("waveform", HTMLElement);
  readonly #heatmap = find("heatmap", HTMLCanvasElement);
  readonly #heatmapWindow = find("heatmap-window", HTMLElement);
  readonly #progress = find("progress", HTMLElement);
  readonly #progressBar = find("progress-bar", HTMLProgressElement);
  readonly #progressText = find("progress-text", HTMLElement);

  /** @param moved is called with the window that is being played */
  constructor(moved: (passage: PredictedPassage) => void) {
    this.#playback = new Playback((time) => {
      const passage = this.#timeline.at(time);
      if (passage === undefined) return;
      this.#timeline.showMoment(passage);
      moved(passage);
    });
  }

  clear(): void {
    this.#verdict.clear();
    this.#timeline.clear();
    this.#playback.unload();
    this.#views.hidden = true;
  }

  showClip({ original, sound }: Clip): void {
    this.showSound(sound);
    this.#playback.load(original, duration(sound));
  }

  showSound(sound: Sound): void {
    this.#views.hidden = false;
    drawWaveform(this.#waveform, sound);
  }

  /** @param passage the passage of the features; undefined for the whole clip */
  showFeatures(features: Features, passage?: Passage): void {
    drawHeatmap(this.#heatmap, features);
    this.#heatmapWindow.textContent = passage
      ? views.heatmapWindow(passage.start, passage.end)
      : "";
  }

  /** @param inWords text for screen readers; by default a sentence with the probability */
  showPrediction(predicted: PredictionWithRequest, source: string, inWords?: string): void {
    this.#verdict.show(predicted, source, inWords);
    this.#repeat.set(predicted.request);
  }

  /** Shows a chart of `length` seconds that begins at `begin` seconds. */
  showWindows(passages: readonly PredictedPassage[], length: number, begin = 0): void {
    this.#timeline.show(passages, length, begin);
  }

  /** @param share share of the work that is done, if known */
  showProgress(text: string, share?: number): void {
    this.#progress.hidden = false;
    this.#progressText.textContent = text;
    if (share === undefined) this.#progressBar.removeAttribute("value");
    else this.#progressBar.value = share;
  }

  hideProgress(): void {
    this.#progress.hidden = true;
  }
}
