# review.json (dagger/lib/review/review.ts) as a comment on a pull request. It comes out of a run of anybody's code: every
# word of it is of a known form, else a question mark, and stands in a code span, where nothing becomes a link, a mention or
# HTML. What is no word where one is due, or no number, makes the program fail.
# Variables: $run (address of the run), $commit.

def word:
  if type != "string" then error("not a word: \(tojson[0:80])")
  elif test("\\A[A-Za-z0-9@/_.+:~!-]{1,120}\\z") then "`\(.)`"
  else "`?`" end;
def count: if type == "number" and . >= 0 and . < 1e15 then . else error("not a count: \(tojson[0:80])") end;
def list: if type == "array" and length <= 200000 then . else error("not a list") end;

def size: count | if . >= 1e9 then "\(. / 1e7 | round / 100) GB" elif . >= 1e6 then "\(. / 1e5 | round / 10) MB" else "\(. / 1e3 | round) kB" end;
def step: . as [$from, $to] | ($to | count) - ($from | count) | if . >= 0 then "+\(size)" else "-\(-. | size)" end;
def sizes:
  if .from == null and .to == null then "not known"
  elif .from == null then .to | size
  elif .to == null then "\(.from | size) → not known"
  elif .from == .to then "\(.from | size) (same)"
  else "\(.from | size) → \(.to | size) (\([.from, .to] | step))" end;

def outcome: "\(.passed | count) passed" + (((.failed | count) + (.errors | count)) | if . == 0 then "" else ", \(.) failed" end);
def tests:
  if .to == null then ""
  elif .from == null then .to | outcome
  else [.from, .to | outcome] | if .[0] == .[1] then .[1] else join(" → ") end end;
def layers: if . == null then "" elif .from == .to then .to | count | tostring else "\(.from | count) → \(.to | count)" end;
def seconds: count | if . < 60000 then "\(. / 100 | round / 10) s" else "\(. / 60000 | floor) min" end;

def kinds: ["upgraded", "downgraded", "changed", "added", "removed"];
def kind: if IN(kinds[]) then . else error("not a kind of change") end;
def changes: [.diff.ecosystems | list[] | select(.kind == "compared") | .changes | list[] | .kind |= kind];
def summary:
  changes as $all
  | [kinds[] as $kind | [$all[] | select(.kind == $kind)] | select(length > 0) | "\(length) \($kind)"]
  | if length == 0 then "no changes" else join(", ") end;

def row:
  if .kind == "compared" then
    "| \(.name | word) | \(summary) | \(.diff.unpacked | sizes) | \(.layers | layers) | \(.tests | tests) | \(.milliseconds | seconds) |"
  elif .kind == "new" then "| \(.name | word) | **new image** | | | | \(.milliseconds | seconds) |"
  elif .kind == "unknown" then "| \(.name | word) | not known: the run's summary tells why | | | | |"
  else error("not an image") end;

def change: "| \(.name | word) | \(.kind) | \(if .from == null then "" else .from | word end) | \(if .to == null then "" else .to | word end) |";
def most: 100;
def details:
  .name as $name
  | changes
  | select(length > 0)
  | . as $all
  | ["", "<details>", "<summary>\($name | word | ltrimstr("`") | rtrimstr("`")): \(length) packages</summary>", "",
     "| package | change | before | after |", "| --- | --- | --- | --- |",
     (sort_by(.kind as $kind | kinds | index($kind)) | .[:most][] | change),
     (if ($all | length) > most then "", "\(($all | length) - most) more are in the run's summary." else empty end),
     "", "</details>"]
  | join("\n");

if .version != 1 then error("not a review of version 1") else . end
| (.images | list) as $images
| [$images[] | select(.kind != "same")] as $changed
| [$images[] | select(.kind == "same") | .name | word] as $same
| ["<!-- stack-review -->",
   "**What this pull request changes in the images**, against \(.against | word), as of \($commit | word) ([run](\($run))):",
   "",
   (if $changed == [] then "Nothing." else
     "| image | packages | unpacked | layers | tests | this run |", "| --- | --- | --- | --- | --- | --- |", ($changed[] | row)
   end),
   (if $changed != [] and $same != [] then "", "The same as there: \($same | join(", "))." else empty end)]
| (join("\n")) as $head
# GitHub takes 65,536 characters of a comment. What does not fit is left out whole.
| reduce ($changed[] | select(.kind == "compared") | details) as $part ($head; if (length + ($part | length)) < 60000 then . + "\n" + $part else . end)
