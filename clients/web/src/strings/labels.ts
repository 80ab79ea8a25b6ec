/** The labels and codes of servers that have texts in each language. */

/** Labels of emotions; others are shown as they are. */
export type Emotion =
  | "anger"
  | "angry"
  | "anxiety"
  | "anxious"
  | "bored"
  | "boredom"
  | "calm"
  | "contempt"
  | "disgust"
  | "disgusted"
  | "fear"
  | "fearful"
  | "happiness"
  | "happy"
  | "neutral"
  | "sad"
  | "sadness"
  | "surprise"
  | "surprised";

/** Codes of warnings; for others the page shows the server's text. */
export type WarningCode = "outside-training-distribution" | "baseline-of-another-voice";
