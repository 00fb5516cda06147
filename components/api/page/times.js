// Formats times for people.

const LOCALE = 'en-GB';

/** 75000 → 1:15 */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, '0');
  const rest = `${hours ? two(minutes) : minutes}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** 75000 → 1 minute */
export function span(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]]) {
    const count = Math.floor(seconds / size);
    if (count) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return '';
}

/** When something will be: on 1 December at 01:00, or at 18:30 today. */
export function moment(time) {
  const date = new Date(time);
  const hour = date.toLocaleTimeString(LOCALE, { hour: '2-digit', minute: '2-digit' });
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? `at ${hour}` : `on ${day(time)} at ${hour}`;
}

/** 1 December */
export const day = (time) => new Date(time).toLocaleDateString(LOCALE, { day: 'numeric', month: 'long' });

/** 1 December 2026 */
export const date = (time) => new Date(time).toLocaleDateString(LOCALE, { dateStyle: 'long' });

/** How long ago something was. */
export function ago(time, now) {
  const past = now - time;
  if (past < 60_000) return 'just now';
  return past < 7 * 86_400_000 ? `${span(past)} ago` : day(time);
}
