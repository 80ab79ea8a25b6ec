/** What the event `emotion` has as its `detail`. */
export interface Emotion {
  /** Alphabetical; the probabilities sum to 1. */
  readonly results: readonly { readonly emotionType: string; readonly prediction: number }[];
  /** Why not to rely on them, if the sound is foreign to the network. */
  readonly warning?: { readonly code: string; readonly detail: string };
  readonly networkType: string;
  /** Whether the network ran in the browser, so that nothing was posted. */
  readonly isLocal: boolean;
}

/** `<speech-emotion server="https://emotion.example.org">` */
export declare class SpeechEmotion extends HTMLElement {}

declare global {
  interface HTMLElementTagNameMap {
    "speech-emotion": SpeechEmotion;
  }
  interface HTMLElementEventMap {
    emotion: CustomEvent<Emotion>;
  }
}
