/** The openids of the two payers. */
export const USERS = ['oSimulated0000000000000User1', 'oSimulated0000000000000User2'] as const
