/** Plays a clip: cursors show the position, and a click on the waveform or timeline plays from there. */

import { find } from "../../dom.js";

export class Playback {
  readonly #audio = find("playback", HTMLAudioElement);
  readonly #moved: (time: number) => void;
  #length = 0;
  #frame = 0;

  /** @param moved is called with the position in seconds while it plays */
  constructor(moved: (time: number) => void) {
    this.#moved = moved;
    for (const event of ["timeupdate", "seeked", "pause"]) {
      this.#audio.addEventListener(event, () => this.#move());
    }
    this.#audio.addEventListener("play", () => this.#follow());
    for (const picture of pictures()) {
      picture.addEventListener("click", ({ clientX }) => this.#playAt(picture, clientX));
    }
  }

  /** Whether a clip can be played. */
  get hasSound(): boolean {
    return this.#length > 0;
  }

  /** @param length seconds */
  load(original: Blob, length: number): void {
    this.unload();
    this.#length = length;
    this.#audio.src = URL.createObjectURL(original);
    this.#audio.hidden = false;
  }

  unload(): void {
    cancelAnimationFrame(this.#frame);
    if (this.#audio.src) URL.revokeObjectURL(this.#audio.src);
    this.#audio.removeAttribute("src");
    this.#audio.hidden = true;
    this.#length = 0;
  }

  /** Moves the cursors with each animation frame; `timeupdate` events are too rare. */
  #follow(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      this.#move();
      if (!this.#audio.paused) this.#follow();
    });
  }

  #move(): void {
    if (!this.hasSound) return;
    const place = `${Math.min(100, (100 * this.#audio.currentTime) / this.#length)}%`;
    for (const cursor of document.querySelectorAll<HTMLElement>(".timed > .cursor")) {
      cursor.hidden = false;
      cursor.style.left = place;
    }
    // Late events of a pause would undo what is pointed at meanwhile.
    if (!this.#audio.paused) this.#moved(this.#audio.currentTime);
  }

  /** @param time seconds */
  playFrom(time: number): void {
    if (!this.hasSound) return;
    this.#audio.currentTime = time;
    this.#audio.play().catch(() => undefined); // the browser may refuse; the position is right
  }

  #playAt(picture: Element, clientX: number): void {
    const { left, width } = picture.getBoundingClientRect();
    this.playFrom(this.#length * Math.max(0, Math.min(1, (clientX - left) / width)));
  }
}

function pictures(): NodeListOf<HTMLElement> {
  return document.querySelectorAll(".timed");
}
