/** Clip mode: analyses recordings one after the other, and shows the result of one of them. */

import type { Features } from "speech-emotion-extractor";

import { Analysis, average, type PredictedPassage, type Passage } from "../analysis.js";
import { check, duration, type Clip } from "../clip.js";
import type { PredictionWithRequest } from "../engine/messages.js";
import { asFault, Fault } from "../faults.js";
import type { Predictor } from "../predictor.js";
import { result as words, status } from "../strings/index.js";
import type { ClipList } from "../view/clips/list.js";
import type { Subject } from "../view/result/bars.js";
import type { ResultViews } from "../view/result/result.js";
import { Explanation } from "./explanation.js";
import { Entry, type Loaded, type Outcome, type Source } from "./entry.js";

/** In memory, beside those of the clip that is shown; others are read again. */
const MOST_SAMPLES = 30_000_000;
/** From one drawing of the timeline to the next, in milliseconds. */
const REDRAW_MS = 250;

export interface ClipViews extends ResultViews {
  readonly list: ClipList;
}

export class ClipMode {
  readonly #predictor: Predictor;
  readonly #views: ClipViews;
  readonly #analysed: (clips: readonly Features[], original: Blob) => void;
  readonly #explanation: Explanation;
  #entries: readonly Entry[] = [];
  /** Entries to be analysed, in this order. */
  #waiting: readonly Entry[] = [];
  #running: { readonly entry: Entry; readonly control: AbortController } | undefined;
  /** The entry whose result is shown. */
  #shown: Entry | undefined;
  /** The entry whose result is to be shown; others are analysed in the background. */
  #wanted: Entry | undefined;

  /** @param analysed is called with each recording that was predicted, and its features */
  constructor(
    predictor: Predictor,
    views: ClipViews,
    analysed: (clips: readonly Features[], original: Blob) => void,
  ) {
    this.#predictor = predictor;
    this.#views = views;
    this.#analysed = analysed;
    this.#explanation = new Explanation(predictor, views.result.influence, views.notice);
  }

  /** Shows no recording any more; its result stays until another one is shown. */
  leave(): void {
    this.#shown = this.#wanted = undefined;
    this.#explanation.stop();
    this.#views.result.hideProgress();
    this.#draw();
  }

  /** Analyses recordings, and shows the first one that succeeds. Until then the result stays. */
  take(...sources: readonly [Source, ...Source[]]): void {
    const entries = sources.map((source) => new Entry(source, sources.length > 1));
    this.#entries = [...this.#entries, ...entries];
    this.#interrupt();
    this.#waiting = [...entries, ...this.#waiting];
    this.show(entries[0]!);
  }

  /** Shows the result of a recording, predicted with the chosen network. */
  show(entry: Entry): void {
    this.#wanted = entry;
    this.#explanation.stop();
    this.#views.notice.clear();
    this.#start(entry);
  }

  /** Predicts the recording that is shown with the chosen network. */
  predictAgain(): void {
    if (this.#wanted) this.show(this.#wanted);
    else this.#draw();
  }

  /** Predicts all recordings with the chosen network. */
  predictAll(): void {
    this.#interrupt();
    this.#waiting = this.#entries.filter((entry) => this.#isOutdated(entry));
    for (const entry of this.#waiting) entry.state = { kind: "waiting" };
    this.#continue();
  }

  /** Forgets all recordings but the one that is shown. */
  clear(): void {
    const kept = this.#wanted;
    if (this.#running?.entry !== kept) this.#interrupt();
    this.#waiting = [];
    this.#entries = kept ? [kept] : [];
    this.#draw();
  }

  /** Shows the features of a window, if the recording is too long to show as a whole. */
  async showWindow(passage: Passage): Promise<void> {
    const shown = this.#shown;
    const analysis = shown?.loaded?.analysis;
    if (analysis === undefined || analysis.whole) return;
    const window = analysis.windows.find(({ start }) => start === passage.start);
    if (!window) return;
    const features = await analysis.features(window);
    if (this.#shown === shown) this.#views.result.showWindow(features, window);
  }

  #settings(): string {
    return this.#predictor.settings(this.#views.networks.chosen?.networkType ?? "");
  }

  #isCurrent({ state, outcome }: Entry): boolean {
    return state.kind === "done" && outcome?.settings === this.#settings();
  }

  /** Whether a prediction with the chosen network could give another result. */
  #isOutdated(entry: Entry): boolean {
    const { state } = entry;
    return state.kind === "failed" ? !state.fault.isOfRecording : !this.#isCurrent(entry);
  }

  /** Puts the entry that is being analysed back to those that wait. */
  #interrupt(): void {
    if (this.#running === undefined) return;
    const { entry, control } = this.#running;
    control.abort();
    this.#running = undefined;
    if (entry.state.kind !== "running") return; // it was only shown again
    entry.state = { kind: "waiting" };
    this.#waiting = [entry, ...this.#waiting];
  }

  #start(entry: Entry): void {
    this.#interrupt();
    this.#waiting = this.#waiting.filter((each) => each !== entry);
    const control = new AbortController();
    this.#running = { entry, control };
    void this.#run(entry, control.signal);
  }

  #continue(): void {
    const [next] = this.#waiting;
    if (next) this.#start(next);
    else this.#draw();
  }

  async #run(entry: Entry, signal: AbortSignal): Promise<void> {
    this.#advance(entry, status.reading(entry.source.name));
    try {
      entry.loaded ??= await this.#load(entry.source);
      if (signal.aborted) return;
      const outcome = await this.#predict(entry, entry.loaded, signal);
      if (signal.aborted || outcome === undefined) return;
      entry.outcome = outcome;
      entry.state = { kind: "done" };
      if (entry === this.#wanted) {
        this.#views.result.hideProgress();
        void this.#explanation.start(entry.loaded, outcome);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(entry, asFault(error));
    }
    this.#running = undefined;
    this.#putAway();
    this.#continue();
  }

  async #load(source: Source): Promise<Loaded> {
    const recorded = await source.read();
    await check(recorded);
    const sound = await this.#predictor.prepared(recorded);
    const clip: Clip = { name: source.name, original: source.original, sound };
    return { clip, analysis: new Analysis(this.#predictor, sound) };
  }

  #fail(entry: Entry, fault: Fault): void {
    const { source } = entry;
    const wasWanted = entry === this.#wanted;
    entry.state = { kind: "failed", fault };
    const again = fault.isOfRecording ? source.again : () => this.show(entry);
    const isListed = entry.isOneOfSeveral && this.#entries.length > 1;
    if (!isListed) this.#views.notice.show(fault, again, source.name);
    // A recording that is made again needs no row for the one that failed.
    if (source.again && fault.isOfRecording) {
      this.#entries = this.#entries.filter((each) => each !== entry);
    }
    if (!wasWanted) return;
    this.#views.result.hideProgress();
    void this.#restore(entry);
    const [next] = this.#waiting;
    const givesWay = entry.outcome === undefined && entry.isOneOfSeveral;
    this.#wanted = givesWay && next?.isOneOfSeveral ? next : this.#shown;
  }

  /** Shows the last result of the entry, where parts of its next one are shown. */
  async #restore(entry: Entry): Promise<void> {
    const { loaded, outcome } = entry;
    if (entry !== this.#shown || !loaded || !outcome) return;
    const { result } = this.#views;
    if (loaded.analysis.whole) result.showPrediction(outcome.overall, outcome.subject);
    result.showWindows(outcome.passages, duration(loaded.clip.sound));
    await this.#showOverall(entry, loaded, outcome);
    // An explanation by other settings would compare two kinds of predictions.
    const isAsItWas = outcome.settings === this.#predictor.settings(outcome.network);
    if (entry === this.#shown && isAsItWas) void this.#explanation.start(loaded, outcome);
  }

  async #predict(entry: Entry, loaded: Loaded, signal: AbortSignal): Promise<Outcome | undefined> {
    const { networkType: network = "" } = this.#views.networks.chosen ?? {};
    const settings = this.#settings();
    const subject = this.#subjectOf(loaded.clip);
    const whole = await this.#predictWhole(entry, loaded, subject, signal);
    if (signal.aborted) return undefined;
    const passages = await this.#predictWindows(entry, loaded, network, signal);
    if (signal.aborted) return undefined;
    this.#analysed(await loaded.analysis.separateFeatures(), loaded.clip.original);
    if (signal.aborted) return undefined;
    const overall = whole ?? average(passages);
    if (!overall) throw new Fault({ kind: "silent" });
    const outcome = { settings, network, subject, overall, passages };
    await this.#showOverall(entry, loaded, outcome);
    return outcome;
  }

  /** Undefined if the clip is too long for one prediction, or is not wanted any more. */
  async #predictWhole(
    entry: Entry,
    { clip, analysis }: Loaded,
    subject: Subject,
    signal: AbortSignal,
  ): Promise<PredictionWithRequest | undefined> {
    if (!analysis.whole) return undefined;
    const { result } = this.#views;
    this.#advance(entry, status.computing);
    const predicted = await analysis.predict(analysis.whole, subject.network?.networkType ?? "");
    const features = await analysis.features(analysis.whole);
    if (signal.aborted || !this.#shows(entry, clip)) return predicted;
    result.showFeatures(features, clip.sound, this.#predictor.frameSeconds);
    result.showPrediction(predicted, subject);
    return predicted;
  }

  async #showOverall(
    entry: Entry,
    { clip, analysis }: Loaded,
    { overall, passages, subject }: Outcome,
  ): Promise<void> {
    if (!this.#shows(entry, clip)) return;
    const { result } = this.#views;
    if (analysis.whole) return result.consider(passages);
    const source = `${subject.source}. ${words.average(passages.length)}`;
    result.showPrediction(overall, { ...subject, source }, passages);
    await this.showWindow(passages.find(({ predicted }) => predicted)!);
  }

  /** The clip and the chosen network. */
  #subjectOf({ name, sound }: Clip): Subject {
    const network = this.#views.networks.chosen;
    const { networkType = "" } = network ?? {};
    const by = words.by(networkType, this.#predictor.isLocal(networkType));
    return { source: words.source(name, duration(sound), by), network };
  }

  async #predictWindows(
    entry: Entry,
    { clip, analysis }: Loaded,
    network: string,
    signal: AbortSignal,
  ): Promise<PredictedPassage[]> {
    const passages: PredictedPassage[] = [];
    const count = analysis.windows.length;
    let drawn = -Infinity;
    for await (const passage of analysis.predictWindows(network, signal)) {
      passages.push(passage);
      const done = passages.length;
      if (done === count || performance.now() > drawn + REDRAW_MS) {
        if (this.#shows(entry, clip)) {
          this.#views.result.showWindows(passages, duration(clip.sound));
        }
        drawn = performance.now();
      }
      this.#advance(entry, status.windows(done, count), done / count);
    }
    return passages;
  }

  /** Tells how far the analysis of an entry is. */
  #advance(entry: Entry, text: string, share?: number): void {
    if (!this.#isCurrent(entry)) {
      entry.state = { kind: "running", ...(share !== undefined && { share }) };
    }
    if (entry === this.#wanted) this.#views.result.showProgress(text, share);
    this.#draw();
  }

  /** Whether the result of that entry is shown; replaces the clip that was shown before. */
  #shows(entry: Entry, clip: Clip): boolean {
    if (entry !== this.#wanted) return false;
    if (entry !== this.#shown) {
      this.#shown = entry;
      this.#views.result.showClip(clip);
    }
    return true;
  }

  /** Forgets the samples of the oldest recordings if there are too many. */
  #putAway(): void {
    let samples = 0;
    for (const entry of [...this.#entries].reverse()) {
      if (entry === this.#shown) continue;
      samples += entry.samples;
      if (samples > MOST_SAMPLES) entry.loaded = undefined;
    }
  }

  #draw(): void {
    const { list, networks } = this.#views;
    const outdated = this.#entries.filter((entry) => entry.outcome && this.#isOutdated(entry));
    list.show(this.#entries, this.#shown, {
      network: networks.chosen?.networkType ?? "",
      isOutdated: outdated.length > 0 && this.#running === undefined,
    });
  }
}
