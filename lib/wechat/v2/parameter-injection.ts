/**
 * Finds a value that could hide another field of a signed message (parameter injection).
 *
 * APIv2 signs `a=1&b=2`, which is also the text of one field `a` with the value `1&b=2`. An
 * attacker who has a signed text can therefore divide it into other fields without the key. A field
 * can only disappear inside the value of another one. If no value contains `&name=`, each `&name=`
 * of the signed text begins a field, and the text has only one reading.
 */
const HIDDEN = /&[\w.$[\]-]*=/

export const hidesField = (value: string): boolean => HIDDEN.test(value)
