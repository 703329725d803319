/** The accounts that refunds in CHANGE are paid to. */
const CARD = { type: 'user_bank_card', realName: '阿依古丽·买买提' } as const
const NUMBERS = ['6225880137700001', '6222021602000002'] as const
export const ACCOUNTS = [
  { type: 'merchant_bank_card' },
  { ...CARD, bankType: 'CMB_DEBIT', bankAccount: NUMBERS[0] },
  { ...CARD, bankType: 'ICBC_DEBIT', bankAccount: NUMBERS[1] },
] as const

/** They are encrypted for WeChat, and must be nowhere else. */
export const PAYOUT_SECRETS = [CARD.realName, ...NUMBERS] as const
