// How the HTML report looks: light and dark, from a phone's width to a wall's. For bench_report_html.cpp only.
#pragma once

#include <string_view>

namespace sluice::tools {

inline constexpr std::string_view bench_style = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #17202b; --soft: #566475; --line: #dfe4ea; --track: #edf0f4;
  --source: #2a6fdb; --network: #0b8577; --destination: #c2560b; --copy: #7b44c9; --engine: #7b44c9;
  --good: #1a7f42; --bad: #b3261e; --mark: #fff4d6; --mark-ink: #6b4a00;
  --radius: 14px; --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --card: #19202a; --ink: #e8edf3; --soft: #9aa8b8; --line: #2b3542; --track: #232c38;
    --source: #6ba5ff; --network: #3fc9b6; --destination: #ff9b57; --copy: #b592ff; --engine: #b592ff;
    --good: #62d58c; --bad: #ff8a80; --mark: #3a2f12; --mark-ink: #ffd98a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: clamp(16px, 4vw, 40px); }
h1 { font-size: clamp(1.6rem, 4.5vw, 2.5rem); line-height: 1.15; letter-spacing: -.02em; margin: .2rem 0 .6rem; }
h2 { font-size: 1.1rem; margin: 0 0 .2rem; letter-spacing: -.01em; }
h3 { font-size: .95rem; margin: 0; font-weight: 600; }
p { margin: 0 0 .6rem; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
.number { font-variant-numeric: tabular-nums; }
.eyebrow { color: var(--soft); font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; margin: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: var(--radius);
  padding: clamp(16px, 3vw, 26px); margin: 0 0 18px; }
.hero { display: grid; gap: 22px; grid-template-columns: minmax(0, 1fr); border-top: 5px solid var(--tone); }
@media (min-width: 820px) { .hero.with-estimate { grid-template-columns: minmax(0, 1fr) 270px; } }
.limit { color: var(--tone); }
.estimate { align-self: start; background: var(--track); border-radius: 12px; padding: 16px 18px; }
.estimate strong { display: block; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.02em; }
.advice { margin: 12px 0 0; padding: 0; list-style: none; display: grid; gap: 8px; }
.advice li { padding-left: 1.5em; position: relative; }
.advice li::before { content: "→"; position: absolute; left: 0; color: var(--tone); font-weight: 700; }
.caveats { margin: 14px 0 0; padding: 10px 14px 10px 30px; border-radius: 10px; background: var(--mark);
  color: var(--mark-ink); font-size: .9rem; }
.grid { display: grid; gap: 18px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
.rows { display: grid; gap: 14px; margin-top: 14px; }
.row .top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 14px; align-items: baseline; }
.tag { font-size: .72rem; font-weight: 700; letter-spacing: .04em; color: var(--card); background: var(--tone);
  border-radius: 99px; padding: 2px 9px; margin-left: 6px; white-space: nowrap; vertical-align: 2px; }
.track { height: 14px; border-radius: 7px; background: var(--track); overflow: hidden; display: flex; margin: 4px 0 2px; }
.fill { height: 100%; background: var(--tone); }
.fill:last-child { border-radius: 0 7px 7px 0; }
.beyond { -webkit-mask: linear-gradient(90deg, #000 88%, #0003); mask: linear-gradient(90deg, #000 88%, #0003); }
.source { --tone: var(--source); } .network { --tone: var(--network); }
.destination { --tone: var(--destination); } .copy { --tone: var(--copy); } .engine { --tone: var(--engine); }
.plot { display: block; width: 100%; overflow: visible; }
.plot text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.plot .axis { stroke: var(--line); stroke-width: 1; }
.plot .curve { fill: none; stroke: var(--tone); stroke-width: 2; vector-effect: non-scaling-stroke;
  stroke-linejoin: round; }
.plot .area { fill: var(--tone); opacity: .14; }
.plot .slot { fill: transparent; } .plot .slot:hover { fill: var(--ink); opacity: .07; }
.plot .span { stroke: var(--tone); stroke-width: 4; stroke-linecap: round; opacity: .32; }
.plot .dot { fill: var(--tone); stroke: var(--card); stroke-width: 2; }
.plot .tick { stroke: var(--tone); stroke-width: 3; stroke-linecap: round; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: .875rem; color: var(--soft); margin: 6px 0 0;
  padding: 0; list-style: none; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; background: var(--tone);
  margin-right: 6px; }
.scroll { overflow-x: auto; border-radius: 8px; }
.scroll:focus-visible { outline: 3px solid var(--source); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: 7px 10px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 600; } th .small { font-weight: 400; } thead th { color: var(--soft); font-weight: 500; }
td.number, th.number { text-align: right; white-space: nowrap; }
code { font-family: var(--mono); font-size: .86em; }
.better { color: var(--good); } .worse { color: var(--bad); }
footer { color: var(--soft); font-size: .85rem; padding: 4px 2px 30px; }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
)css";

}  // namespace sluice::tools
