/** Shows the result of a recording: verdict, timeline, waveform, features, request. */

import type { Features } from "speech-emotion-extractor";

import type { PredictedPassage, Passage } from "../../analysis.js";
import { duration, speechStart, type Clip, type Sound } from "../../clip.js";
import { find } from "../../dom.js";
import type { PredictionWithRequest } from "../../engine/messages.js";
import { format, repeat, views } from "../../strings/index.js";
import { Verdict, type Subject } from "./bars.js";
import { InfluenceStrip } from "../charts/influence.js";
import { Timeline } from "../charts/timeline.js";
import { drawWaveform } from "../charts/waveform.js";
import type { NetworkChoice } from "../networks/networks.js";
import type { Notice } from "../notice.js";
import { Playback } from "./playback.js";
import { Repeat } from "./repeat.js";

/** What shows a result, of a clip or of live listening. */
export interface ResultViews {
  readonly result: Result;
  readonly notice: Notice;
  readonly networks: NetworkChoice;
}

export class Result {
  readonly #verdict = new Verdict();
  readonly #playback: Playback;
  readonly #timeline: Timeline;
  /** Which part of the clip carried the answer. */
  readonly influence: InfluenceStrip;
  readonly #repeat = new Repeat();
  readonly #views = find("views", HTMLElement);
  readonly #waveform = find("waveform", HTMLElement);
  readonly #heatmapFigure = find("heatmap-figure", HTMLElement);
  readonly #heatmap = find("heatmap", HTMLCanvasElement);
  readonly #heatmapWindow = find("heatmap-window", HTMLElement);
  readonly #kept = find("kept", HTMLElement);
  readonly #repeatHint = find("repeat-hint", HTMLElement);
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
    this.#timeline = new Timeline(this.#playback);
    this.influence = new InfluenceStrip((time) => this.#playback.playFrom(time));
  }

  clear(): void {
    this.#verdict.clear();
    this.#timeline.clear();
    this.influence.clear();
    this.#playback.unload();
    this.#views.hidden = true;
    this.#heatmapFigure.hidden = true;
    this.#kept.hidden = true;
  }

  /** Shows another clip, without its features and predictions. */
  showClip({ original, sound }: Clip): void {
    this.clear();
    this.showSound(sound);
    this.#playback.load(original, duration(sound));
  }

  /** Lets the user play what was heard live; its predictions stay. */
  showHeard(sound: Sound, original: Blob): void {
    this.showSound(sound);
    this.#playback.load(original, duration(sound));
    this.#kept.hidden = false;
  }

  showSound(sound: Sound): void {
    this.#views.hidden = false;
    drawWaveform(this.#waveform, sound);
  }

  /** Shows the features of a whole clip at their place below its waveform. */
  showFeatures(features: Features, sound: Sound, frameSeconds: number): void {
    this.#draw(features);
    const place = (seconds: number): string => `${(100 * seconds) / duration(sound)}%`;
    this.#heatmap.style.marginLeft = place(speechStart(sound));
    this.#heatmap.style.width = place(features.frameCount * frameSeconds);
  }

  /** Shows the features of a window of a long clip, across the whole width. */
  showWindow(features: Features, { start, end }: Passage): void {
    this.#draw(features);
    this.#heatmap.style.marginLeft = "0";
    this.#heatmap.style.width = "100%";
    this.#heatmapWindow.textContent = views.heatmapWindow(format.clock(start), format.clock(end));
  }

  #draw(features: Features): void {
    this.#heatmapFigure.hidden = false;
    this.#heatmapWindow.textContent = "";
    const { frameCount, mfccs } = features;
    this.#heatmap.ariaLabel = views.heatmapLabel(frameCount, mfccs.length);
    // Not needed at first sight.
    void import("../charts/heatmap.js").then(
      ({ drawHeatmap }) => drawHeatmap(this.#heatmap, features),
      () => (this.#heatmapFigure.hidden = true), // the server is away
    );
  }

  /** @param passages the windows, if the request of the prediction is that of the last one */
  showPrediction(
    predicted: PredictionWithRequest,
    subject: Subject,
    passages?: readonly PredictedPassage[],
  ): void {
    this.#verdict.show(predicted, subject);
    if (passages) this.#verdict.consider(passages);
    this.#repeat.set(predicted.request);
    this.#repeatHint.textContent = passages ? repeat.ofWindow : repeat.ofClip;
  }

  /** Says so if the windows of the clip have several emotions. */
  consider(passages: readonly PredictedPassage[]): void {
    this.#verdict.consider(passages);
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
