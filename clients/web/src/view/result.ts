/** All that is shown of a recording: verdict, timeline, waveform, features, request. */

import type { Features } from "speech-emotion-extractor";

import type { HeardPassage, Passage } from "../analysis.js";
import { duration, type Clip, type Sound } from "../clip.js";
import { find } from "../dom.js";
import type { Heard } from "../engine/messages.js";
import { views } from "../strings.js";
import { Verdict } from "./bars.js";
import { drawHeatmap } from "./heatmap.js";
import { Playback } from "./playback.js";
import { Repeat } from "./repeat.js";
import { Timeline } from "./timeline.js";
import { drawWaveform } from "./waveform.js";

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

  /** @param moved is told which window the playback has reached */
  constructor(moved: (passage: HeardPassage) => void) {
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

  /** @param passage that the features are of, unless they are of the whole */
  showFeatures(features: Features, passage?: Passage): void {
    drawHeatmap(this.#heatmap, features);
    this.#heatmapWindow.textContent = passage
      ? views.heatmapWindow(passage.start, passage.end)
      : "";
  }

  /** @param inWords what a screen reader says, if not the usual */
  showPrediction(heard: Heard, source: string, inWords?: string): void {
    this.#verdict.show(heard, source, inWords);
    this.#repeat.set(heard.request);
  }

  /** A chart that is `length` seconds long and begins at `begin`. */
  showWindows(passages: readonly HeardPassage[], length: number, begin = 0): void {
    this.#timeline.show(passages, length, begin);
  }

  /** @param share of the work that is done, if that is known */
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
