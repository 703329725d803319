/**
 * Histories that once broke a promise. Every search plays them first. A search prints a failing
 * history in this form.
 */
import type { History } from './history.ts'

export const corpus: readonly (readonly [defect: string, history: History])[] = [
  [
    'a parcel that arrived while the last one was reported used up the one correction',
    {
      account: { v2: null, v3: 'v3 public key', startsWith: 'v3' },
      actions: [
        {
          operation: {
            kind: 'ship parcels',
            which: 0,
            requests: [
              { parcels: ['A'], afterMs: 0, times: 1 },
              { parcels: ['D'], afterMs: 1000, times: 1 },
            ],
            last: { parcels: ['B'], afterMs: 0, times: 1 },
            isCorrected: false,
            late: null,
            text: 0,
          },
          afterMs: 0,
          seed: 1004495836,
        },
        { operation: { kind: 'move' }, afterMs: 0, seed: 610576175 },
        { operation: { kind: 'buy', user: 0, until: 'order' }, afterMs: 0, seed: 1540973620 },
      ],
      faults: [],
      probability: 0.03,
      seed: 1392848270,
      minuteOfDay: 0,
      autoShips: false,
      receiver: 'accepts',
      bill: 'not compared',
      recovery: 'WeChat and cron',
    },
  ],
  [
    'our refund waited forever for an amount that the console had refunded, because the list of refunds was unavailable',
    {
      account: { v2: null, v3: 'v3 public key', startsWith: 'v3' },
      actions: [
        { operation: { kind: 'buy', user: 0, until: 'query' }, afterMs: 0, seed: 1103743870 },
        {
          operation: {
            kind: 'ship parcels',
            which: 0,
            requests: [],
            last: null,
            isCorrected: false,
            late: null,
            text: 0,
          },
          afterMs: 1800000,
          seed: 1662694065,
        },
        {
          operation: { kind: 'refund', which: 0, name: 'a', fee: 400, text: 0, looks: 0 },
          afterMs: 0,
          seed: 519717179,
        },
        {
          operation: { kind: 'console refund', which: 0, fee: 2800, isNotifiedSoon: false },
          afterMs: 0,
          seed: 1913194459,
        },
        {
          operation: { kind: 'forge complaint', which: 0, forgery: 'tampered' },
          afterMs: 0,
          seed: 1098417656,
        },
      ],
      faults: ['old timestamp'],
      probability: 0.03,
      seed: 1818926754,
      minuteOfDay: 0,
      autoShips: false,
      receiver: 'accepts',
      bill: 'not compared',
      recovery: 'only cron',
    },
  ],
  [
    'a closed refund made the list of refunds unavailable in APIv3',
    {
      account: { v2: null, v3: 'v3 public key', startsWith: 'v3' },
      actions: [
        { operation: { kind: 'buy', user: 1, until: 'pay' }, afterMs: 7140000, seed: 2147483628 },
        {
          operation: { kind: 'extra notification', which: 0, extra: 'probe' },
          afterMs: 12000,
          seed: 26,
        },
        { operation: { kind: 'buy', user: 1, until: 'pay' }, afterMs: 60000, seed: 2147483642 },
        {
          operation: { kind: 'refund', which: 0, name: 'c', fee: 1000, text: 0, looks: 0 },
          afterMs: 1000,
          seed: 524865669,
        },
        { operation: { kind: 'buy', user: 0, until: 'pay' }, afterMs: 360000, seed: 809331601 },
      ],
      faults: ['refund ends closed'],
      probability: 0.4,
      seed: 2147483627,
      minuteOfDay: 27,
      autoShips: false,
      receiver: 'accepts',
      bill: 'not compared',
      recovery: 'WeChat first',
    },
  ],
  [
    'a refund in the console, each of whose notifications was lost, was never found',
    {
      account: { v2: null, v3: 'v3 certificates', startsWith: 'v3' },
      actions: [
        {
          operation: {
            kind: 'act on complaint',
            which: 0,
            actions: ['reply', 'reply'],
            times: 1,
            text: 0,
          },
          afterMs: 1,
          seed: 1661981503,
        },
        { operation: { kind: 'prepay', which: 0 }, afterMs: 300, seed: 14 },
        {
          operation: { kind: 'refund', which: 0, name: 'b', fee: 400, text: 12, looks: 0 },
          afterMs: 100,
          seed: 23,
        },
        {
          operation: {
            kind: 'act on complaint',
            which: 0,
            actions: ['approve', 'reject'],
            times: 3,
            text: 5,
          },
          afterMs: 6840000,
          seed: 921215080,
        },
        {
          operation: { kind: 'console refund', which: 0, fee: 1500, isNotifiedSoon: true },
          afterMs: 0,
          seed: 2147127048,
        },
        {
          operation: { kind: 'log in', user: 1, times: 1, againAfterMs: null },
          afterMs: 7140000,
          seed: 2147483647,
        },
        {
          operation: { kind: 'refund', which: 0, name: 'a', fee: 1500, text: 0, looks: 0 },
          afterMs: 1800000,
          seed: 1587950491,
        },
      ],
      faults: ['instance dies before', 'instance dies after', 'system error', 'old timestamp'],
      probability: 0.1,
      seed: 1515005862,
      minuteOfDay: 2,
      autoShips: false,
      receiver: 'accepts',
      bill: 'not compared',
      recovery: 'only cron',
    },
  ],
  [
    'a report that WeChat received late, after its repetition, used up the one correction',
    {
      account: { v2: null, v3: 'v3 public key', startsWith: 'v3' },
      actions: [
        {
          operation: {
            kind: 'ship parcels',
            which: 0,
            requests: [
              { parcels: ['A', 'D'], afterMs: 0, times: 1 },
              { parcels: ['A'], afterMs: 300, times: 2 },
              { parcels: ['A'], afterMs: 240000, times: 1 },
            ],
            last: { parcels: ['A', 'D'], afterMs: 7560000, times: 2 },
            isCorrected: true,
            late: 'another',
            text: 11,
          },
          afterMs: 1000,
          seed: 2026324309,
        },
        { operation: { kind: 'query', which: 0 }, afterMs: 1800000, seed: 996856898 },
        {
          operation: {
            kind: 'complain',
            which: 2,
            problemType: 'OTHERS',
            text: 0,
            isNotifiedSoon: true,
          },
          afterMs: 1000,
          seed: 1481067526,
        },
      ],
      faults: ['request late', 'probe first', 'unknown event first'],
      probability: 0.2,
      seed: 868192232,
      minuteOfDay: 1178,
      autoShips: false,
      receiver: 'accepts',
      bill: 'not compared',
      recovery: 'WeChat first',
    },
  ],
  [
    'a query while the list of refunds was unavailable was answered in a way that was not expected',
    {
      account: { v2: null, v3: 'v3 certificates', startsWith: 'v3' },
      actions: [
        { operation: { kind: 'buy', user: 1, until: 'pay' }, afterMs: 1, seed: 1442176730 },
        { operation: { kind: 'query by payment', which: 0 }, afterMs: 12000, seed: 2 },
        { operation: { kind: 'close', which: 2 }, afterMs: 20, seed: 1464832562 },
        {
          operation: { kind: 'console refund', which: 0, fee: 2800, isNotifiedSoon: true },
          afterMs: 5,
          seed: 23,
        },
        {
          operation: { kind: 'shipping trouble', troubles: ['get_order: 10060001'], times: 1 },
          afterMs: 1000,
          seed: 2127159249,
        },
        {
          operation: { kind: 'console refund', which: 0, fee: 1500, isNotifiedSoon: true },
          afterMs: 20,
          seed: 26,
        },
      ],
      faults: ['request garbled'],
      probability: 0.1,
      seed: 129734157,
      minuteOfDay: 12,
      autoShips: false,
      receiver: 'accepts',
      bill: 'not compared',
      recovery: 'WeChat first',
    },
  ],
  [
    'a new instance refused a message that was signed with a newer certificate',
    {
      account: { v2: 'v2 HMAC-SHA256', v3: 'v3 certificates', startsWith: 'v2' },
      actions: [
        { operation: { kind: 'move' }, afterMs: 0, seed: 281820746 },
        { operation: { kind: 'buy', user: 0, until: 'pay' }, afterMs: 0, seed: 368024119 },
        {
          operation: { kind: 'claim another payment', which: 0 },
          afterMs: 7560000,
          seed: 1294682408,
        },
        { operation: { kind: 'query', which: 0 }, afterMs: 0, seed: 1033612518 },
        { operation: { kind: 'change keys' }, afterMs: 100, seed: 1501799291 },
      ],
      faults: ['unknown serial'],
      probability: 0.1,
      seed: 2147483618,
      minuteOfDay: 1435,
      autoShips: false,
      receiver: 'accepts',
      bill: 'first download fails',
      recovery: 'WeChat and cron',
    },
  ],
]
