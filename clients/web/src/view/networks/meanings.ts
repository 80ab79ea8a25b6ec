/** What each network means for a visitor, from what the handshake says of it. */

import type { Network } from "speech-emotion-extractor";

import { network as words } from "../../strings/index.js";

/**
 * Names each network by what it is best in, if anything, and by what it hears.
 *
 * @param ordered the best network first
 */
export function meaningsOf(ordered: readonly Network[]): [Network, string][] {
  const { meanings } = words;
  const lead = (rank: (network: Network) => number, text: string): readonly [Network?, string?] => {
    const best = leader(ordered, rank);
    return best ? [best, text] : [];
  };
  const leads = [
    lead((each) => -ordered.indexOf(each), meanings.best),
    lead((each) => -dataOf(each), meanings.leastData),
  ];
  return ordered.map((each) => {
    const texts = leads.flatMap(([best, text]) => (best === each && text ? text : []));
    return [each, [...texts, descriptionOf(each)].join(" · ")];
  });
}

/** The first network of the highest rank; none if all have the same rank. */
function leader(
  ordered: readonly Network[],
  rank: (network: Network) => number,
): Network | undefined {
  const ranks = ordered.map(rank);
  const highest = Math.max(...ranks);
  return ranks.every((each) => each === highest) ? undefined : ordered[ranks.indexOf(highest)];
}

/** Orders networks by what they get of a clip: its mean, that and prosody, or all frames. */
function dataOf({ input, optionalMembers }: Network): number {
  return (input === "frames" ? 2 : 0) + (optionalMembers.includes("prosody") ? 1 : 0);
}

function descriptionOf({ input, optionalMembers }: Network): string {
  const heard = words.meanings[input];
  return optionalMembers.includes("prosody") ? `${heard}, ${words.meanings.prosody}` : heard;
}
