/** Defines the element `<speech-emotion>`. */

import { SpeechEmotion } from "./element.js";

if (!customElements.get("speech-emotion")) customElements.define("speech-emotion", SpeechEmotion);

export { SpeechEmotion };
