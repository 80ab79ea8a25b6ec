export { readBaseline, withClip, type Baseline, type ColumnStatistics } from "./baseline.js";
export { Client, type ClientOptions } from "./client.js";
export * from "./errors.js";
export { FeatureExtractor } from "./extraction/extractor.js";
export type { Features, Recording, Shape } from "./extraction/features.js";
export { Resampler } from "./extraction/resampler.js";
export { serveExtractor, type Port } from "./extraction/worker.js";
export type { Prediction, Verification } from "./handshake/answers.js";
export type { Address, PublishedFile } from "./handshake/file.js";
export type { Handshake, Inference, Network } from "./handshake/handshake.js";
export type { CorpusRecall, Recall } from "./handshake/recall.js";
export type { Recipe } from "./handshake/recipe.js";
export type {
  ProsodyRecipe,
  RecordingExtractor,
  Recordings,
  Reference,
  ResamplingStage,
} from "./handshake/recordings.js";
