/** Fills the user's usual voice: with sentences that are spoken for it, or with the clips so far. */

import type { Features } from "speech-emotion-extractor";

import type { Passage } from "../analysis.js";
import { check, cut, duration, isSilent, type Sound } from "../clip.js";
import { Fault } from "../faults.js";
import type { Predictor } from "../predictor.js";
import type { VoicePanel } from "../view/voice-panel.js";
import type { Voice } from "./voice.js";

/** Seconds; about the length of the clips that networks are trained on. */
const PART = 3;
/** With less of it, a clip is hardly speech. */
const LEAST_VOICED = 0.1;
const MOST_WAITING = 500; // clips

export class VoiceMode {
  readonly #voice: Voice;
  readonly #panel: VoicePanel;
  readonly #predictor: Predictor;
  /** Clips of this visit that may still be added. */
  readonly #waiting = new Set<Features>();
  readonly #added = new WeakSet<Features>();

  constructor(voice: Voice, panel: VoicePanel, predictor: Predictor) {
    this.#voice = voice;
    this.#panel = panel;
    this.#predictor = predictor;
    this.show();
  }

  show(): void {
    this.#panel.show(this.#voice, this.#waiting.size);
  }

  /** Offers the clips of a recording that was analysed. */
  offer(clips: readonly Features[]): void {
    for (const clip of clips.filter(isSpeech)) {
      if (!this.#added.has(clip) && this.#waiting.size < MOST_WAITING) this.#waiting.add(clip);
    }
    this.show();
  }

  /** Drops the clips that were offered. */
  drop(): void {
    this.#waiting.clear();
    this.show();
  }

  /** Adds the clips of this visit. */
  addWaiting(): void {
    const clips = [...this.#waiting];
    this.#waiting.clear();
    for (const clip of clips) this.#added.add(clip);
    this.#voice.add(clips);
    this.show();
  }

  /**
   * Adds ordinary speech, in parts of about three seconds.
   *
   * @throws Fault, of kind "silent" if there is no speech in it
   */
  async addSpeech(recorded: Sound): Promise<void> {
    await check(recorded);
    const sound = await this.#predictor.prepared(recorded);
    const clips: Features[] = [];
    for (const { start, end } of partsOf(duration(sound))) {
      const part = cut(sound, start, end);
      if (isSilent(part)) continue;
      const features = await this.#predictor.features(part);
      if (isSpeech(features)) clips.push(features);
    }
    if (clips.length === 0) throw new Fault({ kind: "no-speech" });
    this.#voice.add(clips);
    this.show();
  }

  forget(): void {
    this.#voice.forget();
    this.#waiting.clear();
    this.show();
  }
}

/** Equal parts. */
function partsOf(length: number): Passage[] {
  const count = Math.max(1, Math.round(length / PART));
  return Array.from({ length: count }, (_, index) => ({
    start: (index * length) / count,
    end: ((index + 1) * length) / count,
  }));
}

/** Whether enough frames are voiced; true if the server has no extractor for prosody. */
function isSpeech({ prosody, frameCount }: Features): boolean {
  if (!prosody) return true;
  const voiced = prosody.filter((value, index) => index % 3 === 0 && value > 0).length;
  return voiced >= LEAST_VOICED * frameCount;
}
