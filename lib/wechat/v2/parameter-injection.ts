/**
 * Text that could be taken for another field of a signed message.
 *
 * APIv2 signs `a=1&b=2`, which is also the text of one field `a` with the value `1&b=2`: someone who has a signed text can
 * move its cuts without the key. A field can only disappear by ending up inside a value. Where no value may contain `&name=`,
 * each `&name=` of the signed text begins a field, so the text can be read in one way only.
 */
const HIDDEN = /&[\w.$[\]-]*=/

export const hidesField = (value: string): boolean => HIDDEN.test(value)
