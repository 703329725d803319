/**
 * The words and forms that this repository does not use, each with its replacement and the reason.
 *
 * A pattern is matched against one sentence. Code between backticks stands in it as one backtick,
 * so that identifiers and WeChat's own terms are never matched.
 */

export interface Rule {
  readonly pattern: RegExp
  readonly instead: string
  readonly because: string
}

const NO_SUBJECT = 'a reader needs to know who acts'
const OLD = 'it is an old word, hard for readers whose first language is not English'
const ONE_TERM = 'one thing has one name in this repository'
const INVERTED = 'subject before verb is read once, the other order twice'
const VAGUE = 'it has two meanings'

/** Words, wherever they stand. */
const words: readonly Rule[] = [
  {
    pattern: /\b(?:some|any|every)body\b|\bno(?:body| one)\b|\bwho(?:so|m)?ever\b/gi,
    instead: 'the subject: the payer, the caller, another run, "no instance"',
    because: NO_SUBJECT,
  },

  { pattern: /\bnotices?\b/gi, instead: 'notification (the verb: detect)', because: ONE_TERM },
  { pattern: /\bnews\b/gi, instead: 'notification, confirmation or event', because: ONE_TERM },
  {
    pattern: /\b(?:tele)?phones?\b(?! (?:numbers?|codes?|calls?)\b)/gi,
    instead: 'client, or device where the hardware is meant',
    because: ONE_TERM,
  },
  { pattern: /\b(?:runs?|ran|running) out\b/gi, instead: 'expire', because: ONE_TERM },
  { pattern: /\bmade up for\b|\bmakes? up for\b/gi, instead: 'recover', because: ONE_TERM },
  { pattern: /\b(?:hears?|heard|hearing) of\b/gi, instead: 'receive, learn', because: ONE_TERM },
  {
    pattern: /\bbeliev(?:e[ds]?|ing)\b/gi,
    instead: 'trust (a source), accept (a value), verify (a message)',
    because: 'a program has no opinions',
  },
  { pattern: /\baskers?\b/gi, instead: 'instance, client or caller', because: ONE_TERM },
  { pattern: /\bmishaps?\b/gi, instead: 'fault', because: ONE_TERM },
  { pattern: /\bdeeds?\b/gi, instead: 'action, operation or workload', because: ONE_TERM },

  { pattern: /\bluck\b/gi, instead: 'seed or random source', because: ONE_TERM },

  { pattern: /\bmend(?:s|ed|ing)?\b/gi, instead: 'fix, repair', because: OLD },
  { pattern: /\bamiss\b/gi, instead: 'wrong', because: OLD },
  { pattern: /\b(?:thus|hence)\b/gi, instead: 'so, therefore', because: OLD },
  { pattern: /\blest\b/gi, instead: 'so that … not', because: OLD },
  { pattern: /\b(?:whither|whence|wherefore)\b/gi, instead: 'where, why', because: OLD },
  {
    pattern: /\b(?:there|where|here)(?:by|of|in|to|upon|with|after)\b/gi,
    instead: 'by it, of it, in it; or a new sentence',
    because: OLD,
  },
  {
    pattern: /\bhitherto|henceforth|forthwith|notwithstanding\b/gi,
    instead: 'until now, from now on, immediately, despite',
    because: OLD,
  },
  { pattern: /\b(?:anew|afresh)\b/gi, instead: 'again', because: OLD },
  { pattern: /\bseldom\b/gi, instead: 'rarely', because: OLD },
  {
    pattern: /\b(?:till|whilst|amongst|upon)\b/gi,
    instead: 'until, while, among, on',
    because: OLD,
  },
  { pattern: /\b(?:shall|ought)\b/gi, instead: 'must, should, will', because: OLD },
  { pattern: /\bbut for\b|\bsave for\b/gi, instead: 'except', because: OLD },
  { pattern: /\bfor ever\b/gi, instead: 'forever; better, say how long', because: OLD },
  { pattern: /\bso far may\b/gi, instead: 'at most', because: INVERTED },
  { pattern: /\b(?:is|are) none\b/gi, instead: '"is not a …"', because: VAGUE },
  { pattern: /\b(?:is|are|was|were) to be\b/gi, instead: 'must be, will be', because: VAGUE },
  {
    pattern: /\bat once\b/gi,
    instead: 'immediately, or at the same time',
    because: VAGUE,
  },
  {
    pattern: /[,;] for (?:it|he|she|they|we|you|there|this|that|these|those|nothing|none|each)\b/gi,
    instead: 'because',
    because: 'readers take "for" for the preposition',
  },
]

/** A replacement that ran twice leaves its words twice. */
const repeated: Rule = {
  pattern: /\b(\w+(?: \w+){1,3}) \1\b/gi,
  instead: 'the words once',
  because: 'the second time is a mistake',
}

/** Forms of a whole sentence. */
const forms: readonly Rule[] = [
  { pattern: /^Of\b/g, instead: 'the subject first', because: INVERTED },
  {
    pattern: /^(?:what|whatever|who|whose|whom|whichever)\b[^?]*[.:;!]$/gi,
    instead: 'a noun: "The text that WeChat signs", not "What WeChat signs"',
    because: 'the reader learns what the sentence is about only at its end',
  },
  {
    pattern:
      /^(?:never|nowhere|nor|neither|seldom|rarely|hardly|little|so|thereby|only (?:then|now|so|here)) (?:does|do|did|is|are|was|were|has|have|had|may|might|can|could|must|will|would|should) (?:it|they|he|she|we|you|this|that|there|the|a|an|any|each|every|no)\b/gi,
    instead: 'subject before verb: "It never …"',
    because: INVERTED,
  },
  {
    pattern:
      /(?:^|[,;] )(?:were|had|should|be) (?:it|they|he|she|we|you|there|this|that)\b(?![^.]*\?$)/gi,
    instead: 'if …',
    because: INVERTED,
  },
  {
    pattern: /—[^—]*—[^—]*—/g,
    instead: 'separate sentences',
    because: 'a chain of dashes hides which statement the others explain',
  },
  {
    pattern: /;[^;]*;/g,
    instead: 'separate sentences, or a list',
    because: 'one statement a sentence',
  },
]

export const rules: readonly Rule[] = [...words, repeated, ...forms]

/** Longer sentences hold more than one statement. */
export const MAX_WORDS = 40
