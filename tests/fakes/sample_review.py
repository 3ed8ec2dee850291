"""A review as it might be: a visit written for the tests, with evidence found by its words."""

from datetime import UTC, date, datetime

from smartapp.reviews import (
    Alternative,
    ChartHeader,
    Note,
    NoteEvidence,
    Reason,
    Review,
    ReviewKey,
    ReviewStatus,
    Suggestion,
    WhyNot,
)

KEY = ReviewKey("http://127.0.0.1:8090/fhir", "pt-1", "enc-1")

PROGRESS_NOTE = """Chief Complaint: Follow-up of diabetes and blood pressure; cough for five days.

History of Present Illness:
Ms. Marsh is a 64-year-old woman with type 2 diabetes mellitus and hypertension. She reports
burning and numbness in both feet for the past six months, worse at night. Home glucose 180 to 240 mg/dL. She has had
a productive cough with wheezing for five days and used her rescue inhaler four times yesterday. No fever.
She denies chest pain.

Past Medical History:
COPD, diagnosed 2015. Appendectomy 1988. Breast cancer, left, treated 2009, no evidence of recurrence.

Family History: Father died of myocardial infarction at 58.

Medications:
Metformin 1000 mg twice daily
Insulin glargine 22 units at bedtime
Lisinopril 20 mg daily
Tiotropium inhaler daily

Vital Signs:
BP: 152/94   HR: 88   Temp: 37.0 C   SpO2: 94 % on room air
BMI: 36.4

Physical Exam:
Lungs: diffuse expiratory wheeze, no crackles.
Feet: monofilament sensation absent at 6 of 10 sites on both sides; pulses palpable. No ulcer.

Results:
Hemoglobin A1c 9.1 %. Creatinine 0.9 mg/dL, eGFR 78. No pneumonia on chest film.

Assessment and Plan:
1. Type 2 diabetes with diabetic polyneuropathy, poorly controlled with hyperglycemia.
   Increase glargine to 26 units. Start gabapentin 300 mg at night.
2. COPD with acute exacerbation. Prednisone 40 mg daily for five days, azithromycin.
3. Essential hypertension, above goal. Increase lisinopril to 40 mg.
4. Possible obstructive sleep apnea; sleep study ordered.
5. Former smoker, 30 pack-years, quit 2012.
"""

NURSING_NOTE = """Nurse Intake
Arrived walking, accompanied by her daughter. Medication list reviewed with the patient; takes insulin as prescribed.
Weight 98.2 kg, height 164 cm. Obesity counselling offered, patient interested.
Tobacco: quit 2012.
"""

NOTES = (
    Note(
        "note-1",
        "1",
        "Progress note",
        datetime(2026, 3, 12, 14, 30, tzinfo=UTC),
        "Dr. Elena Ruiz",
        PROGRESS_NOTE,
        None,
        "0",
    ),
    Note(
        "note-2",
        "1",
        "Nursing intake",
        datetime(2026, 3, 12, 13, 50, tzinfo=UTC),
        "Sam Okafor, RN",
        NURSING_NOTE,
        None,
        "0",
    ),
    Note(
        "note-3",
        "1",
        "Outside records",
        datetime(2026, 3, 9, 8, 0, tzinfo=UTC),
        None,
        None,
        "It is a scanned picture without text.",
        None,
    ),
)


def evidence(words: str, section: str | None, assertion: str = "present", note: Note = NOTES[0]) -> NoteEvidence:
    """Evidence for these words of the note."""
    start = (note.text or "").index(words)
    return NoteEvidence(note.id, start, start + len(words), words, section, assertion)


PLAN = "Assessment and Plan"

SUGGESTIONS = (
    Suggestion(
        "E11.42",
        "Type 2 diabetes mellitus with diabetic polyneuropathy",
        0.97,
        True,
        True,
        (
            evidence("Type 2 diabetes with diabetic polyneuropathy", PLAN),
            evidence("burning and numbness in both feet", "History of Present Illness"),
            evidence("monofilament sensation absent at 6 of 10 sites on both sides", "Physical Exam"),
        ),
        (
            Reason(
                "dm-with",
                "Section I.A.15, FY2026",
                "The index links neuropathy to diabetes by the word “with”; one combination code says both.",
            ),
        ),
        (
            Alternative("E11.40", "Type 2 diabetes mellitus with diabetic neuropathy, unspecified", 0.62),
            Alternative("G62.9", "Polyneuropathy, unspecified", 0.31),
        ),
    ),
    Suggestion(
        "E11.65",
        "Type 2 diabetes mellitus with hyperglycemia",
        0.95,
        False,
        True,
        (
            evidence("Type 2 diabetes with diabetic polyneuropathy, poorly controlled with hyperglycemia", PLAN),
            evidence("Hemoglobin A1c 9.1 %", "Results"),
        ),
        (
            Reason(
                "dm-poor-control",
                "Alphabetic Index, Diabetes, poorly controlled",
                "Poorly controlled diabetes is coded to diabetes, by type, with hyperglycemia.",
            ),
        ),
        (),
    ),
    Suggestion(
        "J44.1",
        "Chronic obstructive pulmonary disease with (acute) exacerbation",
        0.94,
        False,
        True,
        (
            evidence("COPD with acute exacerbation", PLAN),
            evidence("diffuse expiratory wheeze", "Physical Exam"),
        ),
        (),
        (Alternative("J44.9", "Chronic obstructive pulmonary disease, unspecified", 0.55),),
    ),
    Suggestion(
        "I10",
        "Essential (primary) hypertension",
        0.92,
        False,
        True,
        (evidence("Essential hypertension, above goal", PLAN), evidence("hypertension", "History of Present Illness")),
        (),
        (),
    ),
    Suggestion(
        "Z79.4",
        "Long term (current) use of insulin",
        0.83,
        False,
        True,
        (
            evidence("Insulin glargine 22 units at bedtime", "Medications"),
            evidence("takes insulin as prescribed", None, note=NOTES[1]),
        ),
        (
            Reason(
                "dm-insulin",
                "Section I.C.4.a.3, FY2026",
                "Type 2 diabetes treated with insulin takes an additional code for long-term insulin use.",
            ),
        ),
        (),
    ),
    Suggestion(
        "Z87.891",
        "Personal history of nicotine dependence",
        0.71,
        False,
        True,
        (evidence("Former smoker, 30 pack-years, quit 2012", PLAN, "historical"),),
        (),
        (),
    ),
    Suggestion(
        "E66.9",
        "Obesity, unspecified",
        0.48,
        False,
        False,
        (evidence("Obesity counselling offered", None, note=NOTES[1]),),
        (
            Reason(
                "bmi-provider",
                "Section I.B.14, FY2026",
                "Obesity must be diagnosed by the patient's provider; this note is by a nurse.",
            ),
        ),
        (),
    ),
    Suggestion(
        "Z85.3",
        "Personal history of malignant neoplasm of breast",
        0.41,
        False,
        False,
        (evidence("Breast cancer, left, treated 2009", "Past Medical History", "historical"),),
        (),
        (),
    ),
)

WHY_NOT = (
    WhyNot(
        "G47.33",
        "Obstructive sleep apnea (adult) (pediatric)",
        evidence("Possible obstructive sleep apnea", PLAN, "possible"),
        "An uncertain diagnosis is not coded in an outpatient encounter (Section IV.H).",
    ),
    WhyNot(
        "I21.9",
        "Acute myocardial infarction, unspecified",
        evidence("myocardial infarction", "Family History", "family"),
        "It is said of a relative, not of the patient.",
    ),
    WhyNot(
        "J18.9",
        "Pneumonia, unspecified organism",
        evidence("No pneumonia", "Results", "absent"),
        "The note rules it out.",
    ),
)

HEADER = ChartHeader(
    patient_name="Dorothy Marsh",
    birth_date="1961-08-02",
    gender="female",
    mrn="48201",
    encounter_title="Office visit, internal medicine",
    encounter_class="AMB",
    date_of_service=date(2026, 3, 12),
    existing_diagnoses=(
        "I10 Essential (primary) hypertension",
        "J44.9 Chronic obstructive pulmonary disease, unspecified",
    ),
)


def ready_review() -> Review:
    """Suggestions are there, nothing is decided."""
    return Review(
        key=KEY,
        version=1,
        status=ReviewStatus.READY,
        stage="",
        failure=None,
        header=HEADER,
        notes=NOTES,
        suggestions=SUGGESTIONS,
        why_not=WHY_NOT,
        decisions=(),
        attestation=None,
        receipt=(),
        model_revision="2026.11-a4f19c",
        code_set_edition="FY2026",
    )
