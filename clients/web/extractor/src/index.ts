export { Client, type Prediction, type Verification } from "./client.js";
export * from "./errors.js";
export { FeatureExtractor, type Features } from "./extractor.js";
export type { Handshake, Network, PublishedFile, Recipe } from "./handshake.js";
