/** Draws how much each part of a clip carried the answer: up for it, down against it. */

import type { Influence, Influences } from "../../clips/occlusion.js";
import { find, make, makeSvg } from "../../dom.js";
import { format, why as words } from "../../strings/index.js";

/** Smaller changes of a probability are drawn small, and said to be none. */
const NOTABLE = 0.02;
const LEAST_SCALE = 0.1;

export class InfluenceStrip {
  readonly #figure = find("why-figure", HTMLElement);
  readonly #caption = find("why-caption", HTMLElement);
  readonly #strip = find("why", HTMLElement);
  readonly #text = find("why-text", HTMLElement);
  /** Says the answer to screen readers: they miss what appears together with its figure. */
  readonly #said = find("why-said", HTMLElement);
  readonly #hint = find("why-hint", HTMLElement);
  readonly #ask = find("why-ask", HTMLButtonElement);
  readonly #listen = find("why-listen", HTMLButtonElement);
  #start = 0;
  #asked: (() => void) | undefined;

  /** @param play is called with the seconds to play from */
  constructor(play: (time: number) => void) {
    this.#listen.addEventListener("click", () => play(this.#start));
    this.#ask.addEventListener("click", () => {
      this.#asked?.();
      this.#ask.hidden = true;
      this.#text.focus(); // the button has disappeared
    });
  }

  clear(): void {
    this.#figure.hidden = true;
    this.#said.textContent = "";
    this.#asked = undefined;
    this.#strip.replaceChildren();
  }

  /** Offers to ask the server, with so many requests. */
  offer(requests: number, asked: () => void): void {
    this.#show(words.caption, words.offer(requests));
    this.#asked = asked;
    this.#ask.textContent = words.ask(requests);
    this.#ask.hidden = false;
  }

  /** Says that it is being computed. */
  wait(): void {
    this.#show(words.caption, words.computing);
    this.#strip.replaceChildren();
    this.#strip.hidden = false; // at its place already
  }

  /**
   * @param emotion the name of the answer
   * @param whole the probability with all parts
   * @param length of the clip in seconds
   */
  show({ parts, strongest }: Influences, emotion: string, whole: number, length: number): void {
    const { start, end, fall } = strongest;
    const isNotable = fall >= NOTABLE;
    const text = isNotable
      ? words.strongest(emotion, format.seconds(start), format.seconds(end), whole, whole - fall)
      : words.none(emotion);
    this.#show(words.captionOf(emotion), text);
    this.#said.textContent = text;
    this.#strip.hidden = false;
    this.#strip.replaceChildren(
      chart(parts, length, text),
      make("div", { className: "cursor", hidden: true }),
    );
    this.#start = start;
    this.#listen.hidden = !isNotable;
    this.#hint.hidden = false;
  }

  #show(caption: string, text: string): void {
    this.#figure.hidden = false;
    this.#caption.textContent = caption;
    this.#text.textContent = text;
    this.#strip.hidden = this.#hint.hidden = this.#ask.hidden = this.#listen.hidden = true;
  }
}

function chart(parts: readonly Influence[], length: number, label: string): SVGSVGElement {
  const scale = Math.max(LEAST_SCALE, ...parts.map(({ fall }) => Math.abs(fall)));
  const svg = makeSvg("svg", {
    viewBox: `0 -1 ${length} 2`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": label,
  });
  svg.append(makeSvg("rect", { class: "zero", x: 0, y: -0.01, width: length, height: 0.02 }));
  for (const { start, end, fall } of parts) {
    const height = Math.abs(fall) / scale;
    const y = fall > 0 ? -height : 0;
    const box = { class: fall > 0 ? "for" : "against", x: start, y, width: end - start, height };
    svg.append(makeSvg("rect", box));
  }
  return svg;
}
