"""A small synthetic evaluation set: twenty questions that no training row may quote."""

import json

ITEMS: tuple[tuple[str, str], ...] = (
    (
        "A warehouse team stores one row per parcel and updates its status in place, but the finance department wants "
        "to know the status at the end of every past month. Which table design should they adopt and why?",
        "They should keep a slowly changing dimension with validity intervals, so that each status change closes the "
        "former row and opens a fresh one, because only stored intervals let a month-end question be answered long "
        "after the parcel itself has moved on to another status.",
    ),
    (
        "An online shop counts visitors with a sketch structure per hour and later needs the number of distinct "
        "visitors per day. Explain whether the hourly results can be combined and what accuracy remains.",
        "Hourly sketches of the same precision can be merged by taking the maximum of each register, and the merged "
        "sketch has exactly the relative error of a single daily sketch, whereas adding the hourly estimates would "
        "count every returning visitor several times.",
    ),
    (
        "Two analysts compute average order value, one from daily averages and one from single orders, and their "
        "numbers differ by nine percent. Who is right, and how should the published figure be defined?",
        "The average over single orders is the published one, since averaging daily averages gives quiet days the same "
        "weight as busy days; the definition should therefore state numerator and denominator separately and sum both "
        "before dividing.",
    ),
    (
        "A columnar file has forty row groups sorted by customer number, and a dashboard filters on the order date "
        "alone. Describe why the scan is slow and which physical layout would help both kinds of question.",
        "Minimum and maximum statistics of the order date span nearly the whole range in each row group, so none can "
        "be skipped; clustering along a space filling curve over customer and date narrows both ranges at a modest "
        "price for each of them.",
    ),
    (
        "A nightly job deletes yesterday's partition and loads it again from an interface that sometimes answers with "
        "an empty page. How can the load be arranged so that a bad night never leaves a hole?",
        "Load into a separate staging area, compare its row count with a lower bound drawn from previous nights, and "
        "exchange the partition in one metadata operation only after the comparison holds, leaving yesterday's "
        "contents in place on any other outcome.",
    ),
    (
        "Sensors on three continents send readings with local wall clock times and no offset, and one hour in autumn "
        "appears twice. What must the collector record so that every reading can be ordered afterwards?",
        "Each reading needs the instant in universal time plus the sensor's zone name, captured at the sensor or on "
        "arrival, because a wall clock value inside the repeated hour maps onto two instants and no later step can "
        "recover which of them was meant.",
    ),
    (
        "A message broker promises delivery at least once, and the billing consumer must never charge a customer a "
        "second time. Outline the consumer's transaction and the key that makes it safe.",
        "The consumer stores the message identifier in a table with a unique constraint inside the very transaction "
        "that books the charge, acknowledges only after the commit, and treats a violation of the constraint as proof "
        "that the charge was already booked.",
    ),
    (
        "A reporting query joins a fact table of nine billion rows to a customer dimension in which one customer owns "
        "a third of all facts. Explain the skew and give a remedy that keeps the result unchanged.",
        "One task receives a third of all facts because the join distributes by customer; broadcasting the small "
        "dimension, or salting the heavy customer on both sides and aggregating once more afterwards, spreads the "
        "work and returns identical rows.",
    ),
    (
        "Engineers want to remove a column that no dashboard seems to use any longer. Which steps lead to a removal "
        "that can be undone, and how long should each of the steps last?",
        "First record reads of the column for a full reporting cycle, then hide it behind a view for another cycle, "
        "then stop writing it, and drop it physically only once a retained backup covers the longest period in which "
        "an unnoticed consumer might still appear.",
    ),
    (
        "A machine learning team joins features to labels by customer and finds a suspiciously high accuracy offline "
        "that vanishes in production. Name the likely mistake and the join that avoids it.",
        "Features computed after the label's instant leaked into training; an as-of join that takes for each label "
        "the latest feature value strictly before the decision time removes the leak and reproduces what the serving "
        "system could have known.",
    ),
    (
        "The storage bill grows although the amount of live data is constant, because every night rewrites large "
        "tables and old versions are kept. How can a safe retention period be derived from facts?",
        "Take the longest running reader, the longest accepted delay of a restore request and the slowest replica, add "
        "a margin, and expire only versions older than that sum, checking before each expiry that no open reader "
        "still refers to an older version.",
    ),
    (
        "A survey platform masks names but publishes postcode, birth date and gender for every participant. Explain "
        "the danger and two measures that reduce it without destroying the regional statistics.",
        "Postcode, birth date and gender together single out most people and can be matched with public registers; "
        "coarsening birth date to a decade and suppressing cells with fewer than ten participants keeps regional "
        "totals useful while no individual stands alone.",
    ),
    (
        "A stream processor counts clicks in windows of five minutes, and mobile phones deliver some clicks an hour "
        "late. Discuss what the watermark decides and how late clicks should alter published counts.",
        "The watermark decides when a window is reported first, not when it is final; late clicks should emit a "
        "correction carrying the window's identity and its full revised count, so that consumers overwrite rather "
        "than add and the figures converge.",
    ),
    (
        "An insurer receives the same claims file by mail and by upload, with lines in different order and different "
        "line endings. How should the intake recognise that both files hold the same claims?",
        "Parse each line into a canonical record, hash the records, sort the hashes and hash the sorted list; equal "
        "digests then mean equal claims irrespective of order and line endings, while differing digests can be "
        "explained record by record through the set difference.",
    ),
    (
        "A hospital's laboratory results arrive with units that differ between devices, and a mistaken unit once "
        "shifted a whole trend. Which checks belong at the border and which belong in the analysis?",
        "The border must require a unit from a closed list and convert it with a recorded factor, rejecting anything "
        "else; the analysis compares each device with its own history, since a plausible number in a wrong unit "
        "passes every check that looks at one value alone.",
    ),
    (
        "A team wants to test a new ranking on a tenth of its visitors and to stop as soon as the difference looks "
        "significant. What goes wrong with this plan, and what can they do instead?",
        "Looking repeatedly at an ordinary significance test raises the chance of a false alarm far above its nominal "
        "level; they should either fix the sample size beforehand or use a sequential method whose boundaries remain "
        "valid at every look.",
    ),
    (
        "A search index must be rebuilt weekly without downtime while writers continue to add and remove documents. "
        "Sketch the switch-over and the way in which changes during the rebuild are not lost.",
        "Build the fresh index from a snapshot with a known log position, replay the log from that position until the "
        "distance is small, pause writers for the last few entries, move the alias to the fresh index, and keep the "
        "former one until the replay has been verified.",
    ),
    (
        "A mobile operator samples one call in a thousand to estimate total minutes per region, and small regions show "
        "wild swings. How would you sample differently while keeping the same storage?",
        "Stratify by region and sample small regions at a higher rate with recorded weights, so that each region's "
        "estimate has a comparable relative error, and sum weighted minutes; the national total stays unbiased "
        "because every weight is the inverse of its sampling rate.",
    ),
    (
        "An archive must prove in ten years that none of its documents has been altered or removed since intake. "
        "Which records are kept on the day of intake, and where must part of them be kept?",
        "Keep a digest of every document chained to its predecessor and publish the head of the chain at regular "
        "intervals with an independent party, because a chain held by the archive alone could be recomputed after a "
        "removal without leaving any trace.",
    ),
    (
        "A spreadsheet import turns long article numbers into floating point values and drops leading zeros. Describe "
        "the symptoms that reveal this and the declaration that prevents it from happening again.",
        "Numbers beyond fifteen digits end in zeros, short ones lose their prefix, and joins against the catalogue "
        "miss exactly those articles; declaring the column as text in the import schema, and refusing files whose "
        "cells are numeric, prevents the damage at its origin.",
    ),
)


def benchmark() -> bytes:
    """The evaluation set as JSON lines with the fields question and answer."""
    rows = ({"question": question, "answer": answer} for question, answer in ITEMS)
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
