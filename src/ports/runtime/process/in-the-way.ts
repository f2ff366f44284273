/** Why programs cannot be run as users of their own here: a sentence without its end, which names what to change. */
export class InTheWay extends Error {}
