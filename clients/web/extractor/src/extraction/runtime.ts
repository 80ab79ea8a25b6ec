/** What needs ONNX Runtime, which is loaded when it is needed. */

export { FeatureExtractor } from "./extractor.js";
export { LocalNetwork } from "./network.js";
