// Keeps an open page current: /app/live says which regions are old; the page is fetched again, and regions that differ are replaced.
const box = document.getElementById('live');
const [line, show, pause] = box.children, words = box.dataset;
const regions = of => [...of.querySelectorAll('[data-live]')];
const state = of => [...of.querySelectorAll('[data-state]')].map(e => e.textContent.trim()).join('. ');
const shown = new Map(regions(document).map(e => [e.id, e.outerHTML]));
const typed = new WeakSet();
let at = words.at, told = state(document), off = 'off' in words, source, timer, busy, again, lost, out, errors = 0;

// The header says that no person asks: the session is not prolonged.
const get = (path, more) =>
  fetch(path, { headers: { 'x-gazelle-live': '1', ...more }, cache: 'no-store', redirect: 'manual' });
const say = text => { if (line.textContent !== text) line.textContent = text; };

// Whether somebody is at work in a region, which is then left alone.
const inUse = e => {
  const chosen = getSelection();
  return e.contains(document.activeElement) || typed.has(e) || e.querySelector('details[open]')
    || !chosen.isCollapsed && chosen.containsNode(e, true);
};

const apply = page => {
  let waits = regions(page).some(e => !document.getElementById(e.id));
  for (const old of regions(document)) {
    const now = page.getElementById(old.id), html = now?.outerHTML;
    if (html === shown.get(old.id)) continue;
    if (!now || inUse(old)) { waits = true; continue; }
    shown.set(old.id, html);
    old.replaceWith(document.adoptNode(now));
  }
  document.title = page.title;
  show.hidden = !waits;
};

const look = async () => {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await get(location.href);
    if (off) return;
    if (answer.type === 'opaqueredirect' || answer.status === 401) return over();
    if (!answer.ok) throw answer.status;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const now = state(page);
    ({ at, lost: words.lost } = page.getElementById('live').dataset);
    apply(page);
    if (now !== told) say(now);
    else if (lost) say(words.back);
    told = now;
    lost = false;
    box.classList.remove('lost');
  } catch {
    lost = true;
    warn(words.lost);
  } finally {
    busy = false;
    if (again) { again = false; look(); }
  }
};

const warn = text => { box.classList.add('lost'); say(text); };
const over = () => { out = true; stop(); warn(words.out); };
const stop = () => { source?.close(); clearInterval(timer); source = timer = null; };
const news = names => {
  if (lost || regions(document).some(e => names.some(name => e.dataset.live.includes(name)))) look();
};

// Without a stream: asks from time to time.
const poll = () => {
  stop();
  let tag = `"${at}"`;
  timer = setInterval(async () => {
    try {
      const answer = await get('/app/live', { 'if-none-match': tag });
      if (answer.type === 'opaqueredirect') return over();
      if (answer.status === 304) return lost && look();
      if (!answer.ok) throw answer.status;
      tag = answer.headers.get('etag');
      news((await answer.json()).old);
    } catch { look(); }
  }, 15000);
};

const listen = () => {
  stop();
  if (off || out || document.hidden) return;
  source = new EventSource('/app/live?at=' + at);
  source.addEventListener('old', event => news(event.data.split(' ')));
  source.addEventListener('end', event => event.data === 'out' ? over() : poll());
  source.onopen = () => { errors = 0; if (lost) look(); };
  source.onerror = () => {
    if (source?.readyState === 2) poll();
    else if (++errors > 2) look();
  };
};

pause.onclick = () => {
  off = !off;
  pause.setAttribute('aria-pressed', off);
  listen();
};
show.onclick = () => location.reload();
document.oninput = event => typed.add(event.target.closest('[data-live]') ?? box);
document.addEventListener('visibilitychange', listen);
addEventListener('pagehide', stop);
addEventListener('pageshow', event => event.persisted && listen());
box.classList.add('on');
listen();
